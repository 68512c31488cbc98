using AllocTrace.Journal;
using AllocTrace.Storage;

namespace AllocTrace.Sessions;

/// <summary>Finds session files by what a user names: a file, a folder of them, or the database's name that <c>ALLOCTRACE</c> was set to.</summary>
internal sealed class SessionPaths
{
    private readonly List<string> _files = [];
    private readonly List<(string Folder, string Prefix)> _folders = [];
    private readonly HeldFolders _held = new();

    /// <exception cref="FileNotFoundException">There is nothing of such a name.</exception>
    public SessionPaths(IEnumerable<string> names)
    {
        foreach (var name in names)
            Add(name, Path.GetFullPath(name));
    }

    /// <summary>The session files that there are now, each once. A folder may go away while it is watched; then it holds nothing.</summary>
    public IEnumerable<string> Find() => _folders.SelectMany(each => In(each.Folder, each.Prefix)).Concat(_files).Distinct();

    /// <summary>A message with the names that the user gave, where root names folders otherwise (<see cref="HeldFolders"/>).</summary>
    public string Shown(string message) => _held.Shown(message);

    /// <summary>The sessions that there are now of a recording whose database has that path, complete or not.</summary>
    public static string[] Beside(string path) => In(Path.GetDirectoryName(path)!, PrefixOf(path));

    /// <summary>
    /// Removes files of killed collectors: journals of sessions that no longer exist, the lock of a recording without a collector, an empty
    /// folder of <c>run</c>.
    /// </summary>
    public void RemoveLeft()
    {
        foreach (var (folder, prefix) in _folders)
        {
            foreach (var file in FolderFiles.Of(folder, prefix))
            {
                if (JournalFormat.SessionOf(file) is { } session && !File.Exists(session))
                    File.Delete(file);
            }

            if (prefix != "")
                UnfinishedFile.RemoveUnlessLocked(Path.Combine(folder, $"{prefix}lock"));
            else
                SessionFolder.RemoveLeft(folder);
        }
    }

    /// <summary>Removes a session, and what collectors keep beside it.</summary>
    /// <exception cref="IOException">It cannot be removed.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be removed.</exception>
    public static void Remove(string session)
    {
        if (File.Exists(session)) // its folder may be gone with it
            File.Delete(session);

        JournalFormat.RemoveBeside(session);
    }

    /// <summary>Removes a session, and returns false if the system refuses.</summary>
    /// <returns>True if it could be removed.</returns>
    public static bool TryRemove(string session)
    {
        try
        {
            Remove(session);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private void Add(string name, string path)
    {
        if (Directory.Exists(path))
            _folders.Add((_held.Hold(path), ""));
        else if (Beside(path).Length > 0)
            _folders.Add((_held.Hold(Path.GetDirectoryName(path)!), PrefixOf(path)));
        else if (File.Exists(path))
            AddFile(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path); // its process maps it by that name
        else
            throw new FileNotFoundException($"no such file: {name}", name);
    }

    private void AddFile(string path) => _files.Add(Path.Combine(_held.Hold(Path.GetDirectoryName(path)!), Path.GetFileName(path)));

    /// <summary>
    /// Returns the prefix of the sessions of a database: ALLOCTRACE=/folder/trace.db has sessions /folder/trace.db.PID-….alloctrace.
    /// </summary>
    private static string PrefixOf(string path) => $"{Path.GetFileName(path)}.";

    private static string[] In(string folder, string prefix) => FolderFiles.Of(folder, prefix, SessionFolder.SessionSuffix);
}
