namespace AllocTrace.Replay;

/// <summary>A reallocation between its begin and its end: the old block is out of the table and still counts as live.</summary>
internal struct PendingRealloc
{
    public bool Open;
    public ulong Address;

    /// <summary>The old block; its site is 0 when it was not known.</summary>
    public LiveBlock Block;
}
