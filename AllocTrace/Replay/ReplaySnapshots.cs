using AllocTrace.Journal;

namespace AllocTrace.Replay;

/// <summary>The snapshots of a replay: which live blocks each site had at a moment.</summary>
internal sealed unsafe class ReplaySnapshots(ReplayedSites sites, ReplayClock clock)
{
    private readonly List<SnapshotImage> _taken = [];

    /// <summary>The snapshots that were taken; the peak is not one of them.</summary>
    public IReadOnlyList<SnapshotImage> Taken => _taken;

    /// <summary>True if the interpreter was seen to begin its finalization.</summary>
    public bool Finalizing { get; private set; }

    /// <summary>Takes a named snapshot.</summary>
    public SnapshotImage Take(string name)
    {
        var image = Image(SnapshotKind.Named, name);
        _taken.Add(image);
        return image;
    }

    /// <summary>Returns the live blocks at the record that the replay has reached, without keeping them.</summary>
    public SnapshotImage Present() => Image(SnapshotKind.Live, SnapshotKind.Live.Word());

    /// <summary>The snapshot of the end, if it was taken.</summary>
    public SnapshotImage? Live => _taken.FindLast(snapshot => snapshot.Kind == SnapshotKind.Live);

    /// <summary>Returns the last snapshot of that name so far, or <see langword="null"/> if there is none.</summary>
    public SnapshotImage? Last(string name) => _taken.FindLast(snapshot => snapshot.Kind == SnapshotKind.Named && snapshot.Name == name);

    /// <summary>Forgets the named snapshots of a name but one.</summary>
    /// <returns>The snapshots that were forgotten.</returns>
    public IReadOnlyList<SnapshotImage> ForgetNamed(string name, SnapshotImage? kept)
    {
        SnapshotImage[] forgotten = [.. _taken.Where(snapshot => snapshot.Kind == SnapshotKind.Named && snapshot.Name == name && !ReferenceEquals(snapshot, kept))];
        _taken.RemoveAll(snapshot => Array.Exists(forgotten, each => ReferenceEquals(each, snapshot)));
        return forgotten;
    }

    /// <summary>Forgets all but the last ones.</summary>
    public void KeepLast(int count) => _taken.RemoveRange(0, Math.Max(0, _taken.Count - count));

    /// <summary>Takes the snapshot of the end, because the interpreter begins to finalize.</summary>
    public void BeginFinalization()
    {
        ForgetLive(); // of an earlier life of the interpreter
        Finalizing = true;
        _taken.Add(Present());
    }

    /// <summary>The interpreter is initialized, perhaps again.</summary>
    public void ForgetLive()
    {
        Finalizing = false;
        _taken.RemoveAll(snapshot => snapshot.Kind == SnapshotKind.Live);
    }

    /// <summary>Ends the recording. Takes the snapshot of the end, unless the interpreter has finalized.</summary>
    public void Finish()
    {
        if (!Finalizing)
            _taken.Add(Present());
    }

    /// <summary>Returns the live blocks at the peak.</summary>
    public SnapshotImage Peak()
    {
        var amounts = new List<SiteAmount>();
        for (var site = 1u; site < sites.End; site++)
        {
            var counters = sites.Counters + site;
            var history = sites.History + site;
            var amount = history->PeakEpoch == clock.Epoch
                ? new SiteAmount(site, history->PeakBytes, history->PeakBlocks)
                : new SiteAmount(site, counters->LiveBytes, counters->LiveBlocks);
            if (amount.Blocks != 0)
                amounts.Add(amount);
        }

        return new SnapshotImage(SnapshotKind.Peak, SnapshotKind.Peak.Word(), clock.PeakAtNs, [.. amounts]);
    }

    public void Save(BinaryWriter writer)
    {
        writer.Write(_taken.Count);
        foreach (var snapshot in _taken)
        {
            writer.Write(snapshot.Kind.Word());
            writer.Write(snapshot.Name);
            writer.Write(snapshot.AtNs);
            writer.WriteAll<SiteAmount>(snapshot.Sites);
        }
    }

    /// <returns>True if it could be.</returns>
    public bool TryLoad(BinaryReader reader, bool finalizing)
    {
        Finalizing = finalizing;
        var count = reader.ReadCount(least: 1);
        for (var i = 0; i < count; i++)
            _taken.Add(new SnapshotImage(StoredWords.SnapshotKind(reader.ReadString()), reader.ReadString(), reader.ReadInt64(), reader.ReadAll<SiteAmount>()));

        return !_taken.Exists(snapshot => snapshot.Sites.Any(site => site.Site == 0 || site.Site >= sites.End));
    }

    private SnapshotImage Image(SnapshotKind kind, string name)
    {
        var amounts = new List<SiteAmount>();
        for (var site = 1u; site < sites.End; site++)
        {
            var counters = sites.Counters + site;
            if (counters->LiveBlocks != 0)
                amounts.Add(new SiteAmount(site, counters->LiveBytes, counters->LiveBlocks));
        }

        return new SnapshotImage(kind, name, clock.NowNs, [.. amounts]);
    }
}
