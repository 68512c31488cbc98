namespace AllocTrace.Memory;

/// <summary>A range of a data mapping with one owner.</summary>
internal readonly record struct Area(AreaKind Kind, ulong Start, ulong End, HeapRange? Heap = null);

internal enum AreaKind
{
    /// <summary>Nothing says what it is: the blocks in it will.</summary>
    Rest,
    Own,
    Stack,
    Heap,
    Arena,
}
