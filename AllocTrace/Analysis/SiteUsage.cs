using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The amounts that are counted for one site: the allocations of one thread in one domain by one traceback.</summary>
/// <param name="Process">The process.</param>
/// <param name="Thread">The thread.</param>
/// <param name="Domain">The domain's name.</param>
/// <param name="Usage">The amounts.</param>
/// <param name="Traceback">The stack of the allocations.</param>
public sealed record SiteUsage(TraceProcess Process, TraceThread Thread, string Domain, Usage Usage, Traceback Traceback)
{
    /// <summary>Reads the sites of a process, in the order of the database. Tracebacks are created while the sequence is read.</summary>
    /// <param name="database">The recording, which must stay open while the sequence is read.</param>
    /// <param name="process">One of its processes.</param>
    /// <param name="filters">Lists of filters, each of which a trace must pass; <see langword="null"/> for all traces.</param>
    /// <returns>The sites, read while the sequence is enumerated.</returns>
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
