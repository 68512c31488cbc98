namespace AllocTrace.Wire;

/// <summary>
/// Gets a thread's records from <see cref="RecordReader"/>, one call each. A tag is the record's kind in the upper four bits and its domain in the
/// lower; wide records come with the tag of their narrow kind.
/// </summary>
internal interface IRecordVisitor
{
    /// <summary>A record that probably comes soon: what it needs may be fetched from memory. It can be the middle of one, too.</summary>
    void Expect(uint tag, ulong address);

    /// <summary>A <see cref="RecordKind.Malloc"/> or <see cref="RecordKind.Calloc"/>.</summary>
    /// <returns><see langword="false"/> to stop before this record.</returns>
    bool Allocate(uint tag, ulong address, ulong bytes, uint stack);

    /// <summary>A <see cref="RecordKind.Realloc"/>: the new block.</summary>
    /// <returns><see langword="false"/> to stop before this record.</returns>
    bool Reallocate(uint tag, ulong address, ulong bytes, uint stack);

    void Free(uint tag, ulong address);

    void BeginRealloc(uint tag, ulong address);

    void FailRealloc(uint tag, ulong address);

    void Mark(MarkKind kind, ulong argument, ulong monoNs);

    void Lose(ulong events, ulong firstMonoNs, ulong lastMonoNs);

    /// <summary>A <see cref="RecordKind.Unmap"/>.</summary>
    /// <returns><see langword="false"/> to stop before this record.</returns>
    bool Unmap(uint tag, ulong address, ulong length);

    /// <returns><see langword="false"/> to stop before this record.</returns>
    bool Age(ulong allocations);

    /// <summary>A <see cref="RecordKind.Context"/>: the span of the thread's next block.</summary>
    /// <returns><see langword="false"/> to stop before this record.</returns>
    bool Context(SpanContext span);

    /// <summary>Reading stops before something that is no record.</summary>
    /// <param name="kind">The kind, from its first byte.</param>
    /// <param name="room">The bytes that are left for it.</param>
    void Refuse(uint kind, long room);
}
