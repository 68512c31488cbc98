namespace AllocTrace.Storage;

/// <summary>Finds rows by number among numbers that nearly always are 0, 1, 2 and so on.</summary>
internal static class AscendingIds
{
    /// <summary>The index of <paramref name="id"/>, or a negative number when it is not there.</summary>
    public static int Find(ReadOnlySpan<long> ids, long id)
    {
        var guess = id - (ids.IsEmpty ? 0 : ids[0]);
        return (ulong)guess < (ulong)ids.Length && ids[(int)guess] == id ? (int)guess : ids.BinarySearch(id);
    }
}
