using AllocTrace.Wire;

namespace AllocTrace.Replay;

// What is alive at a moment; and the marks, which name most of the moments.
internal sealed unsafe partial class ProcessReplay
{
    /// <summary>Takes a named snapshot of what is alive at the record where the replay is.</summary>
    public void TakeSnapshot(string name) => _snapshots.Add(Image(SnapshotKind.Named, name));

    /// <summary>Returns the live blocks at the record that the replay has reached, without keeping them.</summary>
    public SnapshotImage Present() => Image(SnapshotKind.Live, SnapshotKind.Live.Word());

    /// <summary>The last snapshot of that name so far; <see langword="null"/> when there is none.</summary>
    public SnapshotImage? LastSnapshot(string name) => _snapshots.FindLast(snapshot => snapshot.Kind == SnapshotKind.Named && snapshot.Name == name);

    /// <summary>All snapshots, the peak first. After <see cref="Finish"/>.</summary>
    public IEnumerable<SnapshotImage> Snapshots() => _snapshots.Prepend(PeakImage());

    private void Mark(MarkKind kind, ulong argument, ulong monoNs)
    {
        AdvanceTo(monoNs);
        switch (kind)
        {
            case MarkKind.Finalizing:
                ForgetLive(); // of an earlier life of the interpreter
                _finalizing = true;
                _snapshots.Add(Image(SnapshotKind.Live, SnapshotKind.Live.Word()));
                break;

            case MarkKind.Initialized:
                ForgetLive();
                break;

            case MarkKind.Snapshot:
                if (argument > uint.MaxValue)
                    throw _session.Damaged($"a snapshot's name is string {argument}");

                TakeSnapshot(_session.String((uint)argument));
                break;

            case MarkKind.Fork:
                OnFork?.Invoke(TakeForkImage(argument));
                Volatile.Write(ref _lastFork, argument); // after that: who sees it finds the image, or it is gone already
                break;
        }
    }

    private void ForgetLive()
    {
        _finalizing = false;
        _snapshots.RemoveAll(snapshot => snapshot.Kind == SnapshotKind.Live);
    }

    private SnapshotImage Image(SnapshotKind kind, string name)
    {
        var sites = new List<SiteAmount>();
        for (var site = 1u; site < Sites.End; site++)
        {
            var counters = Sites.Counters + site;
            if (counters->LiveBlocks != 0)
                sites.Add(new SiteAmount(site, counters->LiveBytes, counters->LiveBlocks));
        }

        return new SnapshotImage(kind, name, NowNs, [.. sites]);
    }

    private SnapshotImage PeakImage()
    {
        var sites = new List<SiteAmount>();
        for (var site = 1u; site < Sites.End; site++)
        {
            var counters = Sites.Counters + site;
            var history = Sites.History + site;
            var amount = history->PeakEpoch == _epoch
                ? new SiteAmount(site, history->PeakBytes, history->PeakBlocks)
                : new SiteAmount(site, counters->LiveBytes, counters->LiveBlocks);
            if (amount.Blocks != 0)
                sites.Add(amount);
        }

        return new SnapshotImage(SnapshotKind.Peak, SnapshotKind.Peak.Word(), _peakAtNs, [.. sites]);
    }
}
