namespace AllocTrace.Testing;

/// <summary>A CPython on this machine.</summary>
public sealed record Python(string Path, int Minor, string Version)
{
    private static readonly Lazy<Python[]> _all = new(Find);

    /// <summary>
    /// Every supported CPython on the machine: those of ALLOCTRACE_PYTHONS (paths joined by colons), python3 and python3.x on the PATH, and
    /// pyenv's.
    /// </summary>
    public static IReadOnlyList<Python> Installed => _all.Value;

    /// <summary>The interpreter that a user would get.</summary>
    public static Python Default => Installed.Count > 0 ? Installed[0] : throw new AssertInconclusiveException("no python3 (3.8 to 3.15) on this machine");

    /// <summary>The newest of each minor version, with the GIL and without: patch releases have the same layouts.</summary>
    public static IEnumerable<Python> OfEachVersion =>
        Installed.GroupBy(python => (python.Minor, python.IsFreeThreaded)).Select(same => same.MaxBy(python => python.Patch)!);

    /// <summary>
    /// The user's own version, the oldest, the newest, and one without the GIL: for slow tests whose results differ little.
    /// </summary>
    public static IEnumerable<Python> Corners =>
        OfEachVersion.Where(python => python.Minor == Default.Minor || python.IsFreeThreaded || python.Minor == Installed.Min(each => each.Minor) || python.Minor == Installed.Max(each => each.Minor));

    /// <summary>The rows for DynamicData, one for each version.</summary>
    public static IEnumerable<object[]> Rows => OfEachVersion.Select(python => new object[] { python });

    /// <summary>One row for each interpreter, for tests that must pass on every single one.</summary>
    public static IEnumerable<object[]> EveryRow => Installed.Select(python => new object[] { python });

    /// <summary>True if it was built without the GIL.</summary>
    public bool IsFreeThreaded => Version.EndsWith('t');

    private int Patch => int.Parse(string.Concat(Version.Split('.')[2].TakeWhile(char.IsAsciiDigit)));

    /// <summary>Runs the interpreter.</summary>
    public CommandResult Run(IEnumerable<string> arguments, string input = "", Dictionary<string, string?>? environment = null) =>
        Command.Run(Path, arguments, input, environment: environment);

    /// <inheritdoc/>
    public override string ToString() => $"python{Version}";

    private static Python[] Find()
    {
        var named = (Environment.GetEnvironmentVariable("ALLOCTRACE_PYTHONS") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        var names = Enumerable.Range(8, 8).Select(minor => $"python3.{minor}").Prepend("python3");
        var onPath = names.SelectMany(name => folders.Select(folder => System.IO.Path.Combine(folder, name)));
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var versions = System.IO.Path.Combine(home, ".pyenv", "versions");
        var pyenv = Directory.Exists(versions) ? Directory.GetDirectories(versions, "3.*").Order().Select(folder => System.IO.Path.Combine(folder, "bin", "python3")) : [];
        return onPath.Concat(named).Concat(pyenv).Where(File.Exists).Select(Ask).OfType<Python>().DistinctBy(python => python.Version).ToArray();
    }

    private static Python? Ask(string path)
    {
        const string question = "import sys, sysconfig; print(sys.version_info[0], sys.version_info[1], sys.version.split()[0] + 't' * bool(sysconfig.get_config_var('Py_GIL_DISABLED')))";
        var answer = Command.Run(path, ["-S", "-c", question]);
        if (answer.ExitCode != 0)
            return null;
        var parts = answer.Output.Split();
        var minor = int.Parse(parts[1]);
        return parts[0] == "3" && minor is >= 8 and <= 15 ? new Python(path, minor, parts[2]) : null;
    }
}
