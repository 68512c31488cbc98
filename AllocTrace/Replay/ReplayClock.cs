using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>
/// The clock of a replay: time slices, and epochs, which begin with each new peak. A site keeps what it has reached before it changes for the first time
/// in an epoch or a slice, so a peak and a slice cost nothing for the sites that do not change.
/// </summary>
/// <param name="sites">The sites of the process.</param>
internal sealed unsafe class ReplayClock(ReplayedSites sites)
{
    /// <summary>Slice entries that are always allowed for; above them, and two for each site, slices become wider.</summary>
    private const int SliceEntriesAllowance = 1 << 18;

    private readonly SliceLog _sliceLog = new();

    public Timeline Timeline { get; } = new();

    /// <summary>The amounts that samples allocated for spans, slice by slice.</summary>
    public SpanSums Spans { get; } = new();

    /// <summary>The time that the replay has reached, in ns since the recording began.</summary>
    public long NowNs { get; set; }

    /// <summary>The live bytes at the last peak that was passed.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>The time of the peak.</summary>
    public long PeakAtNs { get; private set; }

    /// <summary>The number of that peak: which copies of <see cref="SiteHistory"/> belong to it.</summary>
    public ulong Epoch { get; private set; } = 1;

    /// <summary>The number of entries in the log of slices.</summary>
    public int SliceEntries => _sliceLog.Count;

    /// <summary>Begins a new epoch if there are more live bytes than ever before. Called before live bytes drop.</summary>
    /// <returns>True if a new one has begun.</returns>
    public bool TryRaisePeak(long liveBytes)
    {
        if (liveBytes <= PeakBytes)
            return false;

        PeakBytes = liveBytes;
        PeakAtNs = NowNs;
        Epoch++;
        return true;
    }

    /// <summary>Keeps what a site has reached, before it changes for the first time since a peak or a slice.</summary>
    public void Remember(uint site)
    {
        var counters = sites.Counters + site;
        var history = sites.History + site;
        if (history->PeakEpoch != Epoch)
        {
            history->PeakBytes = counters->LiveBytes;
            history->PeakBlocks = counters->LiveBlocks;
            history->PeakEpoch = Epoch;
        }

        if (history->Slice != Timeline.Current)
        {
            if (history->Slice >= 0)
                _sliceLog.Add(history->Slice, site, *counters);

            history->Slice = Timeline.Current;
        }
    }

    /// <summary>Counts what a site allocates now for a span too.</summary>
    public void AddToSpan(uint site, SpanContext span, MemoryAmount allocated) => Spans.Add(new SpanSite(Timeline.Current, site, span), allocated);

    /// <summary>Ends the current slice with the live amounts, and begins the slice of a later time.</summary>
    public void BeginSlice(long nowNs, long liveBytes, long liveBlocks, long highestBytes)
    {
        Timeline.Close(liveBytes, liveBlocks, highestBytes);
        while (Timeline.IsBeyond(nowNs) || (_sliceLog.Count > SliceEntriesAllowance + 2 * sites.End && Timeline.Current > 8))
            DoubleSliceWidth();

        Timeline.MoveTo(nowNs);
    }

    /// <summary>Ends the last slice. Nothing is replayed after it.</summary>
    public void Finish(long liveBytes, long liveBlocks, long highestBytes)
    {
        Timeline.Close(liveBytes, liveBlocks, highestBytes);
        LogLast(_sliceLog);
    }

    /// <summary>Returns the changes of sites within slices, by slice and site. Valid after <see cref="Finish"/>.</summary>
    public IEnumerable<SliceEntry> SliceDifferences(InheritedSite[] inherited) => _sliceLog.Differences(sites.End, inherited);

    /// <summary>Returns the changes of sites within slices so far, while the replay continues.</summary>
    public IEnumerable<SliceEntry> SliceDifferencesSoFar(InheritedSite[] inherited, long liveBytes, long liveBlocks, long highestBytes)
    {
        Timeline.Close(liveBytes, liveBlocks, highestBytes);
        var log = new SliceLog(_sliceLog);
        LogLast(log);
        return log.Differences(sites.End, inherited);
    }

    /// <summary>Sets what a checkpoint has of peak and time.</summary>
    public void Restore(long nowNs, long peakBytes, long peakAtNs, ulong epoch) => (NowNs, PeakBytes, PeakAtNs, Epoch) = (nowNs, peakBytes, peakAtNs, epoch);

    public void SaveSlices(BinaryWriter writer)
    {
        Timeline.Save(writer);
        _sliceLog.Save(writer);
        Spans.Save(writer);
    }

    /// <returns>True if it could be.</returns>
    public bool TryLoadSlices(BinaryReader reader) => Timeline.TryLoad(reader) && _sliceLog.TryLoad(reader, sites.End) && Spans.TryLoad(reader, sites.End);

    /// <summary>Adds what each site has reached in the slice in which it changed last.</summary>
    private void LogLast(SliceLog log)
    {
        for (var site = 1u; site < sites.End; site++)
        {
            if (sites.History[site].Slice >= 0)
                log.Add(sites.History[site].Slice, site, sites.Counters[site]);
        }
    }

    private void DoubleSliceWidth()
    {
        Timeline.DoubleWidth();
        _sliceLog.DoubleWidth(sites.End);
        Spans.DoubleWidth();
        for (var site = 1u; site < sites.End; site++)
        {
            if (sites.History[site].Slice > 0)
                sites.History[site].Slice /= 2;
        }
    }
}
