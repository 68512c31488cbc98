using System.Runtime.CompilerServices;

namespace AllocTrace.Replay;

// Time: peaks and slices pass.
internal sealed unsafe partial class ProcessReplay
{
    /// <summary>Slice entries that are always allowed for; above them, and two for each site, slices become wider.</summary>
    private const int SliceEntriesAllowance = 1 << 18;

    /// <summary>Lets time pass: what is replayed from now on happened at or after this moment. Time does not go back.</summary>
    /// <param name="monoNs">CLOCK_MONOTONIC.</param>
    public void AdvanceTo(ulong monoNs)
    {
        var now = SinceStart(monoNs);
        if (now <= NowNs)
            return;

        if (Timeline.IsPast(now))
            BeginSlice(now);

        NowNs = now;
    }

    /// <summary>Less is going to be alive: more than now was not alive before, in this slice at least.</summary>
    private void NoteHigh()
    {
        _highestBytes = Math.Max(_highestBytes, _liveBytes);
        if (_liveBytes <= _peakBytes)
            return;

        _peakBytes = _liveBytes;
        _peakAtNs = NowNs;
        _epoch++;
        _moment++;
    }

    /// <summary>A site is going to change for the first time since a peak or a slice: keeps what it has reached.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Remember(uint site)
    {
        var counters = Sites.Counters + site;
        var history = Sites.History + site;
        if (history->PeakEpoch != _epoch)
        {
            history->PeakBytes = counters->LiveBytes;
            history->PeakBlocks = counters->LiveBlocks;
            history->PeakEpoch = _epoch;
        }

        if (history->Slice != Timeline.Current)
        {
            if (history->Slice >= 0)
                _sliceLog.Add(history->Slice, site, *counters);

            history->Slice = Timeline.Current;
        }

        counters->Moment = _moment;
    }

    private void BeginSlice(long nowNs)
    {
        NoteHigh();
        Timeline.Close(_liveBytes, _liveBlocks, _highestBytes);
        while (Timeline.IsBeyond(nowNs) || (_sliceLog.Count > SliceEntriesAllowance + 2 * Sites.End && Timeline.Current > 8))
            DoubleSliceWidth();

        Timeline.MoveTo(nowNs);
        _highestBytes = _liveBytes;
        _moment++;
    }

    private void DoubleSliceWidth()
    {
        Timeline.DoubleWidth();
        _sliceLog.DoubleWidth(Sites.End);
        for (var site = 1u; site < Sites.End; site++)
        {
            if (Sites.History[site].Slice > 0)
                Sites.History[site].Slice /= 2;
        }
    }
}
