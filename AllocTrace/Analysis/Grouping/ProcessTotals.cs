using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Sums over the sites of a process, or over a part of them.</summary>
/// <param name="database">The recording.</param>
/// <param name="process">One of its processes.</param>
/// <param name="room">The number of live sites for which there is room at first.</param>
internal sealed class ProcessTotals(TraceDatabase database, TraceProcess process, int room = 0)
{
    private readonly int _process = database.IndexOfProcess(process.Id);
    private readonly bool _isSampled = process.SampleBytes != 0;
    private readonly UsageVariance[] _domainVariances = new UsageVariance[database.Domains.Count];
    private readonly UsageVariance[] _threadVariances = new UsageVariance[database.Threads.Count];
    private UsageVariance _variance;
    private Usage _usage;

    /// <summary>Everything.</summary>
    public Usage Usage => _usage;

    /// <summary>The error of that estimate when allocations were sampled.</summary>
    public Usage Error => _variance.Error;

    /// <summary>Returns the error of a domain, by its index in <see cref="TraceDatabase.Domains"/>.</summary>
    public Usage DomainError(int domain) => _domainVariances[domain].Error;

    /// <summary>Returns the error of a thread, by its index in <see cref="TraceDatabase.Threads"/>.</summary>
    public Usage ThreadError(int thread) => _threadVariances[thread].Error;

    /// <summary>By index in <see cref="TraceDatabase.Domains"/>.</summary>
    public Usage[] Domains { get; } = new Usage[database.Domains.Count];

    /// <summary>By index in <see cref="TraceDatabase.Threads"/>.</summary>
    public Usage[] Threads { get; } = new Usage[database.Threads.Count];

    /// <summary>The live blocks at the high-water mark; not summed over parts.</summary>
    public SiteTable Peak { get; } = new(room);

    /// <summary>The live blocks at the end; not summed over parts.</summary>
    public SiteTable Live { get; } = new(room);

    /// <summary>Adds a site.</summary>
    public void Add(in SiteCounters site)
    {
        var usage = Usage.Of(site);
        _usage += usage;
        Domains[site.Domain] += usage;
        Threads[site.Thread] += usage;
        if (_isSampled)
            Add(site.Domain, site.Thread, UsageVariance.Of(site, process));
        AddAlive(Peak, site, site.Peak);
        AddAlive(Live, site, site.Live);
    }

    /// <summary>Adds the sums of a part.</summary>
    public void Add(ProcessTotals part)
    {
        _usage += part._usage;
        for (var i = 0; i < Domains.Length; i++)
            Domains[i] += part.Domains[i];
        for (var i = 0; i < Threads.Length; i++)
            Threads[i] += part.Threads[i];

        _variance += part._variance;
        for (var i = 0; i < Domains.Length; i++)
            _domainVariances[i] += part._domainVariances[i];
        for (var i = 0; i < Threads.Length; i++)
            _threadVariances[i] += part._threadVariances[i];
    }

    private void Add(int domain, int thread, UsageVariance variance)
    {
        _variance += variance;
        _domainVariances[domain] += variance;
        _threadVariances[thread] += variance;
    }

    private void AddAlive(SiteTable sites, in SiteCounters site, MemoryAmount amount)
    {
        if (amount.Blocks > 0)
            sites.Add(new Site(_process, site.Thread, site.Domain, site.Stack, amount.Bytes, amount.Blocks, site.Expression));
    }
}
