namespace AllocTrace.Replay;

/// <summary>The live blocks at a moment, by site.</summary>
/// <param name="Kind"><c>peak</c>, <c>live</c> or <c>named</c>.</param>
/// <param name="Name">Its name; for the first two the kind.</param>
/// <param name="AtNs">Nanoseconds since the recording began.</param>
/// <param name="Sites">The sites that held something, ascending.</param>
internal sealed record SnapshotImage(string Kind, string Name, long AtNs, SiteAmount[] Sites)
{
    public const string Peak = "peak", Live = "live", Named = "named";

    public long Bytes => Sites.Sum(site => site.Bytes);

    public long Blocks => Sites.Sum(site => site.Blocks);
}
