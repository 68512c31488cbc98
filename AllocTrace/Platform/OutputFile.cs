namespace AllocTrace.Platform;

/// <summary>
/// A file to make. Its folder is looked up once: whoever exchanges the folder later does not lead root elsewhere (<see cref="HeldFolders"/>). What is in
/// the folder may be another user's nevertheless, so files are made anew or opened without following links.
/// </summary>
internal sealed class OutputFile : IDisposable
{
    private readonly HeldFolders _held;
    private readonly string _folderName;

    /// <param name="path">Its path. Whether its folder exists, and whether it can be made, is found out by whoever makes it.</param>
    /// <exception cref="IOException">The folder cannot be opened. The message is one line.</exception>
    public OutputFile(string path)
    {
        _held = new HeldFolders();
        Path = path;
        var full = System.IO.Path.GetFullPath(path);
        Folder = System.IO.Path.GetDirectoryName(full) ?? full;
        _folderName = Directory.Exists(Folder) ? _held.Hold(Folder) : Folder;
    }

    private OutputFile(string path, OutputFile other)
    {
        (_held, _folderName, Folder) = (other._held, other._folderName, other.Folder);
        Path = path;
    }

    /// <summary>The path as the user gave it, for messages.</summary>
    public string Path { get; }

    /// <summary>The full path of its folder, for messages.</summary>
    public string Folder { get; }

    /// <summary>The path for the system.</summary>
    public string Name => IsHeld ? System.IO.Path.Combine(_folderName, System.IO.Path.GetFileName(Path)) : Path;

    /// <summary>True if another user may change its folder, and this process is root.</summary>
    public bool IsHeld => HeldFolders.IsHeld(_folderName);

    /// <summary>Returns a file of another name in the same folder. The two share the folder: when one is disposed of, both are.</summary>
    public OutputFile Beside(string path) => new(path, this);

    /// <summary>A message with the names that people know.</summary>
    public string Shown(string message) => _held.Shown(message);

    public void Dispose() => _held.Dispose();
}
