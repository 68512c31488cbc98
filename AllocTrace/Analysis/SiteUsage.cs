using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Everything that is counted for the allocations of one thread in one domain by one traceback.</summary>
/// <param name="Process">The process.</param>
/// <param name="Thread">The thread.</param>
/// <param name="Domain">The domain's name.</param>
/// <param name="Usage">What was counted.</param>
/// <param name="Traceback">How the program got there.</param>
public sealed record SiteUsage(TraceProcess Process, TraceThread Thread, string Domain, Usage Usage, Traceback Traceback)
{
    /// <summary>Reads the sites of a process, in the order of the database. Tracebacks are made as the sequence advances.</summary>
    /// <param name="database">The recording.</param>
    /// <param name="process">One of its processes.</param>
    /// <param name="filters">What to leave out: a trace has to pass each of the lists; <see langword="null"/> for everything.</param>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    /// <exception cref="IOException">The recording cannot be read.</exception>
    public static IEnumerable<SiteUsage> Read(TraceDatabase database, TraceProcess process, IEnumerable<TraceFilter[]>? filters = null)
    {
        var index = database.IndexOfProcess(process.Id);
        var tests = (filters ?? []).Select(list => new SiteFilter(database, list)).ToArray();
        return database.ReadCounters(process)
            .Where(site => tests.All(test => test.Passes(new Site(index, site.Thread, site.Domain, site.Stack, 0, 0))))
            .Select(site => new SiteUsage(
                process,
                database.Threads[site.Thread],
                database.Domains[site.Domain].Name,
                Usage.Of(site),
                database.Stacks.TracebackOf(site.Stack)));
    }
}
