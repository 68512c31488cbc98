using System.Security.Cryptography;

namespace AllocTrace.Sessions;

/// <summary>The private folder in which the processes of one recording put their sessions: in memory where that is possible.</summary>
internal sealed class SessionFolder : IDisposable
{
    /// <summary>What the name of a session file ends with.</summary>
    public const string SessionPattern = "*.alloctrace";

    private const string SharedMemory = "/dev/shm", Prefix = "alloctrace-";

    private const int NameDigits = 16;

    private SessionFolder(string path) => Path = path;

    /// <summary>The folder: what <c>ALLOCTRACE</c> is set to.</summary>
    public string Path { get; }

    /// <summary>Whether <see cref="Dispose"/> leaves the folder: it holds something that is not in a database.</summary>
    public bool Keep { get; set; }

    /// <summary>Makes a folder that only its user can look into, with a name that nobody can guess.</summary>
    /// <exception cref="IOException">There is no place for it. The message is one line.</exception>
    public static SessionFolder Create()
    {
        var name = $"{Prefix}{RandomNumberGenerator.GetHexString(NameDigits, lowercase: true)}";
        try
        {
            return Create(System.IO.Path.Combine(SharedMemory, name));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A container may have no shared memory, or a read-only one.
        }

        try
        {
            return Create(System.IO.Path.Combine(System.IO.Path.GetTempPath(), name));
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"there is no place for a recording: {e.Message}", e);
        }
    }

    /// <summary>The session files that are in it now.</summary>
    public IEnumerable<string> Sessions() => Directory.EnumerateFiles(Path, SessionPattern);

    /// <summary>Removes such a folder whose maker was killed, when nothing is in it.</summary>
    public static void RemoveLeft(string folder)
    {
        var name = System.IO.Path.GetFileName(folder);
        var isOurs = name.Length == Prefix.Length + NameDigits && name.StartsWith(Prefix, StringComparison.Ordinal) && name[Prefix.Length..].All(char.IsAsciiHexDigitLower);
        if (!isOurs || Directory.EnumerateFileSystemEntries(folder).Any())
            return;

        try
        {
            Directory.Delete(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is in use, or another user's.
        }
    }

    public void Dispose()
    {
        if (!Keep)
            Directory.Delete(Path, recursive: true);
    }

    private static SessionFolder Create(string path)
    {
        var parent = System.IO.Path.GetDirectoryName(path)!;
        if (!Directory.Exists(parent))
            throw new DirectoryNotFoundException($"the folder {parent} does not exist");

        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new SessionFolder(path);
    }
}
