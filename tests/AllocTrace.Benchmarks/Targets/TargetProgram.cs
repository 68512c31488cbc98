namespace AllocTrace.Benchmarks.Targets;

/// <summary>A program of the benchmark.</summary>
/// <param name="Path">The path of the program.</param>
internal sealed record TargetProgram(string Path)
{
    /// <summary>The folder of the program: <c>allocating</c> programs do little but allocate, <c>ordinary</c> ones do other work.</summary>
    public string Group => System.IO.Path.GetFileName(System.IO.Path.GetDirectoryName(Path)!);

    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    public string Title => Name.Replace('_', ' ');

    public static TargetProgram[] All() =>
        [.. from folder in Directory.GetDirectories(System.IO.Path.Combine(AppContext.BaseDirectory, "programs")).Order()
            from path in Directory.GetFiles(folder, "*.py").Order()
            select new TargetProgram(path)];
}
