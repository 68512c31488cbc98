using AllocTrace.Wire;

namespace AllocTrace.Replay;

// Copies of the process, in which a collector reads types and holders of the live blocks.
internal sealed unsafe partial class ProcessReplay
{
    /// <summary>Gets the live blocks at the moment of each copy, with the copy's pid, and owns them; <see langword="null"/>: nobody wants them.</summary>
    public Action<LiveBlocks, uint>? OnCopy { get; init; }

    /// <summary>Returns the live blocks at the record that the replay has reached, and the snapshot that they are.</summary>
    public LiveBlocks PresentBlocks(SnapshotImage snapshot)
    {
        var tables = new AddressTable?[WireFormat.Domains];
        for (var domain = 0; domain < WireFormat.Domains; domain++)
        {
            if (domain is 0 or >= WireFormat.FirstTrackedDomain)
                tables[domain] = _tables[domain]?.Clone();
        }

        var domains = new byte[Sites.End];
        for (var site = 1u; site < Sites.End; site++)
            domains[site] = (byte)Sites.Counters[site].Domain;

        return new LiveBlocks(snapshot, tables, domains);
    }

    private void NoteCopy(uint pid, uint name)
    {
        SnapshotImage? snapshot;
        if (name == 0)
            snapshot = _snapshots.FindLast(image => image.Kind == SnapshotImage.Live);
        else
            _snapshots.Add(snapshot = Image(SnapshotImage.Named, _session.String(name)));

        if (snapshot is not null && OnCopy is { } wanted)
            wanted(PresentBlocks(snapshot), pid);
    }
}
