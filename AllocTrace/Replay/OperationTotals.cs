namespace AllocTrace.Replay;

/// <summary>Calls of one kind in one domain.</summary>
internal struct OperationTotals
{
    public long Calls;
    public long Bytes;
}
