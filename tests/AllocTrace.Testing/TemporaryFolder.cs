namespace AllocTrace.Testing;

/// <summary>A folder for one test, removed at its end.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("alloctrace-test-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public string[] Files(string pattern) => Directory.GetFiles(Path, pattern);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
