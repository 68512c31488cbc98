namespace AllocTrace.Wire;

/// <summary>Says which call of an allocator a record is about.</summary>
internal static class RecordKinds
{
    /// <summary>Returns the call, or <see langword="null"/> if the record is of another kind.</summary>
    public static AllocationKind? ToAllocationKind(this RecordKind kind) => kind switch
    {
        RecordKind.Malloc => AllocationKind.Malloc,
        RecordKind.Calloc => AllocationKind.Calloc,
        RecordKind.Realloc => AllocationKind.Realloc,
        RecordKind.Free => AllocationKind.Free,
        _ => null,
    };
}
