namespace AllocTrace.Wire;

/// <summary>The copy that a collector asks for: <c>enum alloctrace_copy_wanted</c>.</summary>
internal enum CopyWanted : uint
{
    Not = 0,

    /// <summary>For the named snapshot that was requested.</summary>
    Named = 1,

    /// <summary>For the snapshot near the high-water mark.</summary>
    Peak = 2,
}
