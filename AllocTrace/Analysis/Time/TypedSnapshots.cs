using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Finds the snapshots whose types and holders are known, at most one of each process.</summary>
internal static class TypedSnapshots
{
    /// <summary>The snapshots of a name with types and holders, and what has to be said of them.</summary>
    /// <param name="database">The recording.</param>
    /// <param name="processes">The processes that count.</param>
    /// <param name="name">A snapshot's name; <see langword="null"/>: the end, or else the last one that has types.</param>
    /// <exception cref="ArgumentException">There is none. The message is one line that says how to get one.</exception>
    public static (TraceSnapshot[] Snapshots, IReadOnlyList<string> Notes) Find(TraceDatabase database, IReadOnlyList<TraceProcess> processes, string? name)
    {
        var objects = database.Objects.Where(objects => objects.IsRead).ToDictionary(objects => objects.Snapshot);
        if (objects.Count == 0)
        {
            throw new ArgumentException(database.Objects.Count > 0
                ? $"{database.Path}: no types were recorded: {database.Objects[^1].Note}"
                : $"{database.Path}: no types were recorded. Record with 'alloctrace run --objects end', or take 'alloctrace snapshot PID NAME --objects'");
        }

        if (name is not null)
        {
            var (named, note) = SnapshotChoice.Find(database, processes, name);
            TraceSnapshot[] typed = [.. named.Where(snapshot => objects.ContainsKey(snapshot.Id))];
            var others = string.Join(", ", database.Snapshots.Where(snapshot => objects.ContainsKey(snapshot.Id)).Select(snapshot => $"'{snapshot.Name}'").Distinct());
            return typed.Length > 0 ? (typed, [.. note is null ? (string[])[] : [note], .. NotesOf(typed)]) : throw new ArgumentException($"{database.Path}: snapshot '{name}' has no types; {others} has");
        }

        TraceSnapshot[] last = [.. processes.Select(process => Last(process)).OfType<TraceSnapshot>()];
        if (last.Length == 0)
            throw new ArgumentException($"{database.Path}: no types were recorded of process {string.Join(", ", processes.Select(process => process.Pid))}");

        return (last, [.. last.Where(snapshot => snapshot.IsNamed).Select(snapshot => $"types are known at the snapshot '{snapshot.Name}', not at the end").Distinct(), .. NotesOf(last)]);

        TraceSnapshot? Last(TraceProcess process) => database.Snapshots.Where(snapshot => snapshot.Process == process.Id && objects.ContainsKey(snapshot.Id)).MaxBy(snapshot => (!snapshot.IsNamed, snapshot.AtNs));
        IEnumerable<string> NotesOf(TraceSnapshot[] snapshots) =>
        [
            .. snapshots.Select(snapshot => objects[snapshot.Id].Note).Where(note => note.Length > 0).Distinct(),
            .. snapshots.Length > 1 ? (string[])[$"{snapshots.Length} processes are added up: blocks that a fork inherited count in each of them"] : [],
        ];
    }
}
