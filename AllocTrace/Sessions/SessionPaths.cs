using AllocTrace.Journal;
using AllocTrace.Storage;

namespace AllocTrace.Sessions;

/// <summary>Finds session files by what a user names: a file, a folder of them, or the database's name that <c>ALLOCTRACE</c> was set to.</summary>
internal sealed class SessionPaths
{
    private readonly List<string> _files = [];
    private readonly List<(string Folder, string Pattern)> _folders = [];

    /// <exception cref="FileNotFoundException">There is nothing of such a name.</exception>
    public SessionPaths(IEnumerable<string> names)
    {
        foreach (var name in names)
            Add(name, Path.GetFullPath(name));
    }

    /// <summary>The session files that there are now, each once.</summary>
    public IEnumerable<string> Find() => _folders.SelectMany(each => In(each.Folder, each.Pattern)).Concat(_files).Distinct();

    /// <summary>The sessions that there are now of a recording whose database has that path, complete or not.</summary>
    public static string[] Beside(string path) => In(Path.GetDirectoryName(path)!, $"{Path.GetFileName(path)}.{SessionFolder.SessionPattern}");

    /// <summary>Removes what killed collectors left: journals of sessions that are gone, the lock of a recording that nobody collects, an empty folder of <c>run</c>.</summary>
    public void RemoveLeft()
    {
        foreach (var (folder, pattern) in _folders)
        {
            foreach (var file in JournalFormat.Suffixes.SelectMany(suffix => In(folder, $"{pattern}*{suffix}*")))
            {
                if (!File.Exists(JournalFormat.SessionOf(file)))
                    File.Delete(file);
            }

            if (pattern != SessionFolder.SessionPattern)
                UnfinishedFile.RemoveUnlessLocked(Path.Combine(folder, $"{pattern[..^SessionFolder.SessionPattern.Length]}lock"));
            else
                SessionFolder.RemoveLeft(folder);
        }
    }

    /// <summary>Removes a session, and what collectors keep beside it.</summary>
    /// <exception cref="IOException">It cannot be removed.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be removed.</exception>
    public static void Remove(string session)
    {
        File.Delete(session);
        JournalFormat.RemoveBeside(session);
    }

    private void Add(string name, string path)
    {
        if (Directory.Exists(path))
        {
            _folders.Add((path, SessionFolder.SessionPattern));
            return;
        }

        // Sessions of ALLOCTRACE=/folder/trace.db lie beside it, as /folder/trace.db.PID-….alloctrace.
        var (folder, pattern) = (Path.GetDirectoryName(path)!, $"{Path.GetFileName(path)}.{SessionFolder.SessionPattern}");
        if (In(folder, pattern).Any())
            _folders.Add((folder, pattern));
        else if (File.Exists(path))
            _files.Add(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path); // its process maps it by that name
        else
            throw new FileNotFoundException($"no such file: {name}", name);
    }

    /// <summary>A folder may go away while it is watched; then it holds nothing.</summary>
    private static string[] In(string folder, string pattern)
    {
        try
        {
            return Directory.GetFiles(folder, pattern);
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }
}
