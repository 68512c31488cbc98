using System.Runtime.InteropServices;

namespace AllocTrace.Sessions;

/// <summary>The private folder in which the processes of one recording put their sessions: in memory where that is possible.</summary>
internal sealed class SessionFolder : IDisposable
{
    /// <summary>The suffix of session files.</summary>
    public const string SessionSuffix = ".alloctrace";

    private const string SharedMemory = "/dev/shm", Prefix = "alloctrace-";

    /// <summary>Read, write and search.</summary>
    private const uint OnlyUser = 0x1C0;

    private const int NameDigits = 16;

    /// <summary>Shared memory with less room than a few sessions take (containers may have little) is not used.</summary>
    private const long LeastRoom = 16 << 20;

    private SessionFolder(string path) => Path = path;

    /// <summary>The folder: what <c>ALLOCTRACE</c> is set to.</summary>
    public string Path { get; }

    /// <summary>True if <see cref="Dispose"/> leaves the folder, which has sessions that are not in a database.</summary>
    public bool Keep { get; set; }

    /// <summary>Makes a folder that only its user can read, with a name that others cannot guess.</summary>
    /// <exception cref="IOException">There is no place for it. The message is one line.</exception>
    public static SessionFolder Create()
    {
        var name = $"{Prefix}{SecretNumber.Next():x16}";
        var path = System.IO.Path.Combine(SharedMemory, name);
        if (SharedMemoryRoom() > 0 && LibC.MakeFolder(path, OnlyUser) == 0)
            return new SessionFolder(path);

        path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), name);
        if (LibC.MakeFolder(path, OnlyUser) == 0)
            return new SessionFolder(path);

        throw new IOException($"no folder for the recording can be created: {path}: {LibC.Describe(Marshal.GetLastPInvokeError())}");
    }

    /// <summary>Returns the number of bytes for sessions in shared memory; 0 when there is none, or too little for anything.</summary>
    public static long SharedMemoryRoom()
    {
        try
        {
            var room = Directory.Exists(SharedMemory) ? new DriveInfo(SharedMemory).AvailableFreeSpace : 0;
            return room >= LeastRoom ? room : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>Returns such folders with sessions that no process collects: their <c>run</c> was killed.</summary>
    public static IEnumerable<string> Left() => new[] { SharedMemory, System.IO.Path.GetTempPath() }
        .Where(Directory.Exists)
        .SelectMany(Directory.EnumerateDirectories)
        .Where(folder => IsOurs(folder) && FolderFiles.Of(folder, "", SessionSuffix) is { Length: > 0 } sessions && !sessions.Any(SessionSurvey.IsCollected));

    /// <summary>The session files that are in it now.</summary>
    public IEnumerable<string> Sessions() => FolderFiles.Of(Path, "", SessionSuffix);

    /// <summary>Removes such a folder whose maker was killed, when nothing is in it.</summary>
    public static void RemoveLeft(string folder)
    {
        if (IsOurs(folder))
            TryDelete(folder, recursive: false);
    }

    public void Dispose()
    {
        if (!Keep)
            TryDelete(Path, recursive: true);
    }

    private static bool IsOurs(string folder)
    {
        var name = System.IO.Path.GetFileName(folder);
        return name.Length == Prefix.Length + NameDigits && name.StartsWith(Prefix, StringComparison.Ordinal) && name[Prefix.Length..].All(char.IsAsciiHexDigitLower);
    }

    private static void TryDelete(string folder, bool recursive)
    {
        try
        {
            Directory.Delete(folder, recursive);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is gone, in use, or another user's.
        }
    }
}
