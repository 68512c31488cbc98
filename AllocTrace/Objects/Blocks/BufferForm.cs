namespace AllocTrace.Objects;

/// <summary>The words of a buffer that are references, as far as its owner's type determines them.</summary>
internal enum BufferForm : byte
{
    /// <summary>Any word may be one.</summary>
    Words,

    /// <summary>The key table of a dict: keys and values, not hashes, which may be any number, addresses too.</summary>
    Keys,

    /// <summary>The values of an instance or a dict that shares its keys with others (from 3.11 on).</summary>
    Values,

    /// <summary>The table of a set: keys, not hashes.</summary>
    SetTable,

    /// <summary>The items of a list up to its length; words beyond are stale.</summary>
    Items,

    /// <summary>The first, the last, or the only block of a deque.</summary>
    DequeEnd,

    /// <summary>Bytes without references.</summary>
    Data,

    /// <summary>Borrowed references: the table of interned strings, caches of code.</summary>
    Borrowed,
}
