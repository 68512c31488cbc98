using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>
/// The options of a recording. The traced processes get them in <c>ALLOCTRACE_OPTIONS</c>, except those that only the collector needs.
/// </summary>
public sealed record RecordingOptions
{
    /// <summary>The largest value of <see cref="Sample"/>, in bytes.</summary>
    public const long LargestSample = WireFormat.LargestSample;

    /// <summary>The smallest value of <see cref="Events"/> other than 0, in bytes.</summary>
    public const ulong SmallestEvents = 1 << 20;

    /// <summary>The value of <see cref="Events"/> for <c>events=on</c>, in bytes.</summary>
    public const ulong UsualEvents = 256 << 20;

    /// <summary>The number of innermost frames to keep of each stack; 0 for all.</summary>
    public uint Frames { get; init; }

    /// <summary>
    /// The mean number of bytes from one recorded allocation to the next, at most <see cref="LargestSample"/>: bytes and blocks are then
    /// estimates. 0 records every allocation.
    /// </summary>
    public ulong Sample { get; init; }

    /// <summary>The allocator domains to hook: some of <c>raw</c>, <c>mem</c> and <c>obj</c>, joined by <c>+</c>.</summary>
    public string Domains { get; init; } = "raw+mem+obj";

    /// <summary>True if child processes are recorded too.</summary>
    public bool Children { get; init; } = true;

    /// <summary>The largest size of a session file, in bytes.</summary>
    public ulong Limit { get; init; } = 1 << 30;

    /// <summary>The behavior of a traced thread when there is no room for its records.</summary>
    public OnFull OnFull { get; init; } = OnFull.Wait;

    /// <summary>The allocations of C code that are recorded beside those of <c>PyMem_*</c>.</summary>
    public NativeMode Native { get; init; }

    /// <summary>True if a fatal signal leaves the stacks of all threads in the recording.</summary>
    public bool Crash { get; init; }

    /// <summary>
    /// The largest size of a log that keeps every call, in bytes; later calls are only counted. At least <see cref="SmallestEvents"/>, or 0
    /// for no log.
    /// </summary>
    public ulong Events { get; init; }

    /// <summary>True if the types and holders of the blocks that are live at the end are read from a copy of the process (docs/objects.md).</summary>
    public bool ObjectsAtEnd { get; init; }

    /// <summary>
    /// True if the types and holders near the high-water mark are read, from copies that the process makes as its live memory grows. The last one is the snapshot
    /// <c>near-peak</c>.
    /// </summary>
    public bool ObjectsAtPeak { get; init; }

    /// <summary>
    /// The number of further allocations of a thread before which it must free a block for the block to count as temporary. Only the
    /// collector uses it.
    /// </summary>
    public int TemporaryThreshold { get; init; } = 1;

    /// <summary>Returns the value of <c>ALLOCTRACE_OPTIONS</c>, for a program that is started with other means.</summary>
    /// <param name="collected">True if there is a collector already, so that the traced processes start none.</param>
    /// <returns>The options that differ from the defaults, as <c>name=value</c>, joined by commas; empty if none does.</returns>
    public string ToEnvironment(bool collected)
    {
        var defaults = new RecordingOptions();
        var values = new List<string>();
        if (Frames != defaults.Frames)
            values.Add($"frames={Frames}");
        if (Sample != defaults.Sample)
            values.Add($"sample={Sample}");
        if (Domains != defaults.Domains)
            values.Add($"domains={Domains}");
        if (!Children)
            values.Add("children=off");
        if (Limit != defaults.Limit)
            values.Add($"limit={Limit}");
        if (OnFull == OnFull.Drop)
            values.Add("on_full=drop");
        if (collected)
            values.Add("collector=off");
        if (Native != NativeMode.Off)
            values.Add($"native={Native.ToString().ToLowerInvariant()}");
        if (Crash)
            values.Add("crash=on");
        if (Events != defaults.Events)
            values.Add($"events={Events}");
        if (ObjectsAtEnd || ObjectsAtPeak)
            values.Add(ObjectsAtEnd && ObjectsAtPeak ? "objects=end+peak" : ObjectsAtEnd ? "objects=end" : "objects=peak");

        return string.Join(',', values);
    }
}
