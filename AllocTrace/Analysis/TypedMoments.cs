using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Finds the moments whose types and holders are known, at most one of each process.</summary>
internal static class TypedMoments
{
    /// <summary>The moments of a name with types and holders, and what has to be said of them.</summary>
    /// <param name="database">The recording.</param>
    /// <param name="processes">The processes that count.</param>
    /// <param name="name">A snapshot's name; <see langword="null"/>: the end, or else the last one that has types.</param>
    /// <exception cref="ArgumentException">There is none. The message is one line that says how to get one.</exception>
    public static (TraceMoment[] Moments, IReadOnlyList<string> Notes) Find(TraceDatabase database, IReadOnlyList<TraceProcess> processes, string? name)
    {
        var objects = database.Objects.ToDictionary(objects => objects.Moment);
        if (objects.Count == 0)
            throw new ArgumentException($"{database.Path}: no types were recorded. Record with 'alloctrace run --objects end', or take 'alloctrace snapshot PID NAME --objects'");

        if (name is not null)
        {
            var (named, note) = NamedMoments.Find(database, processes, name);
            TraceMoment[] typed = [.. named.Where(moment => objects.ContainsKey(moment.Id))];
            var others = string.Join(", ", database.Moments.Where(moment => objects.ContainsKey(moment.Id)).Select(moment => $"'{moment.Name}'").Distinct());
            return typed.Length > 0 ? (typed, [.. note is null ? (string[])[] : [note], .. NotesOf(typed)]) : throw new ArgumentException($"{database.Path}: snapshot '{name}' has no types; {others} has");
        }

        TraceMoment[] last = [.. processes.Select(process => Last(process)).OfType<TraceMoment>()];
        if (last.Length == 0)
            throw new ArgumentException($"{database.Path}: no types were recorded of process {string.Join(", ", processes.Select(process => process.Pid))}");

        return (last, [.. last.Where(moment => moment.IsNamed).Select(moment => $"types are known at the snapshot '{moment.Name}', not at the end").Distinct(), .. NotesOf(last)]);

        TraceMoment? Last(TraceProcess process) => database.Moments.Where(moment => moment.Process == process.Id && objects.ContainsKey(moment.Id)).MaxBy(moment => (!moment.IsNamed, moment.AtNs));
        IEnumerable<string> NotesOf(TraceMoment[] moments) => moments.Select(moment => objects[moment.Id].Note).Where(note => note.Length > 0).Distinct();
    }
}
