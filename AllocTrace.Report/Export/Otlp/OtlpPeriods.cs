using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Export.Otlp;

/// <summary>Makes a request of a period of a recorded process.</summary>
internal static class OtlpPeriods
{
    /// <summary>Returns the compressed request. Its samples have the thread, its interpreter and the domain as attributes.</summary>
    /// <param name="database">The recording.</param>
    /// <param name="process">The process of the period.</param>
    /// <param name="period">The period.</param>
    /// <param name="resource">The resource that describes the process.</param>
    public static byte[] Write(TraceDatabase database, TraceProcess process, SnapshotPeriod period, OtlpResource resource)
    {
        var request = new OtlpRequest(new RecordedFrames(database.Stacks));
        var amounts = new Dictionary<(int Stack, int Thread, int Domain), (MemoryAmount Allocated, MemoryAmount Alive)>();
        foreach (var site in period.Allocated.Parts.SelectMany(part => part.Sites.ToArray()))
            amounts[Key(site)] = (amounts.GetValueOrDefault(Key(site)).Allocated + new MemoryAmount(site.Bytes, site.Blocks), default);
        foreach (var site in period.Alive.Parts.SelectMany(part => part.Sites.ToArray()))
        {
            var (allocated, alive) = amounts.GetValueOrDefault(Key(site));
            amounts[Key(site)] = (allocated, alive + new MemoryAmount(site.Bytes, site.Blocks));
        }

        var spans = new OtlpSpans<(int Stack, int Thread, int Domain)>();
        foreach (var change in period.Spans)
            spans.Add(Key(database.Sites.Sites[change.Site]), change.Span, change.Allocated);

        OtlpSample[] samples = [.. amounts.Select(pair =>
            new OtlpSample(pair.Key.Stack, Attributes(request.Dictionary, database, pair.Key.Thread, pair.Key.Domain), pair.Value.Allocated, default, pair.Value.Alive)
            {
                Spans = spans.Of(pair.Key),
            })];
        request.Add(resource, period.From, period.Until, process.SampleBytes, OtlpMeasure.Recorded, samples);
        return request.ToCompressed();
    }

    private static (int Stack, int Thread, int Domain) Key(Site site) => (site.Stack, site.Thread, site.Domain);

    private static int[] Attributes(OtlpDictionary dictionary, TraceDatabase database, int thread, int domain)
    {
        var its = database.Threads[thread];
        return
        [
            dictionary.Attribute("thread.id", its.OsId),
            dictionary.Attribute("thread.name", its.Name),
            dictionary.Attribute("alloctrace.interpreter", its.Interpreter),
            dictionary.Attribute("alloctrace.domain", database.Domains[domain].Name),
        ];
    }
}
