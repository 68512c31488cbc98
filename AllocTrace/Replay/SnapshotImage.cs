namespace AllocTrace.Replay;

/// <summary>The live blocks at a moment, by site.</summary>
/// <param name="Kind">The reason for which it was taken.</param>
/// <param name="Name">Its name; for the first two the kind.</param>
/// <param name="AtNs">Nanoseconds since the recording began.</param>
/// <param name="Sites">The sites that held something, ascending.</param>
internal sealed record SnapshotImage(SnapshotKind Kind, string Name, long AtNs, SiteAmount[] Sites)
{
    public long Bytes => Sites.Sum(site => site.Bytes);

    public long Blocks => Sites.Sum(site => site.Blocks);
}
