using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>The options of a recording. The traced processes get them by <c>ALLOCTRACE_OPTIONS</c>, except what only a collector needs.</summary>
public sealed record RecordingOptions
{
    /// <summary>The highest <see cref="Sample"/>.</summary>
    public const long LargestSample = WireFormat.LargestSample;

    /// <summary>The lowest <see cref="Events"/> but 0.</summary>
    public const ulong SmallestEvents = 1 << 20;

    /// <summary>The <see cref="Events"/> of those who have no opinion.</summary>
    public const ulong UsualEvents = 256 << 20;

    /// <summary>Frames kept of each stack, the innermost ones; 0 is all.</summary>
    public uint Frames { get; init; }

    /// <summary>
    /// Mean bytes from one recorded allocation to the next, up to <see cref="LargestSample"/>: sizes and counts are estimates then. 0 records
    /// every one.
    /// </summary>
    public ulong Sample { get; init; }

    /// <summary>The allocator domains to hook: some of <c>raw</c>, <c>mem</c> and <c>obj</c>, joined by <c>+</c>.</summary>
    public string Domains { get; init; } = "raw+mem+obj";

    /// <summary>True if processes that the program starts are followed.</summary>
    public bool Children { get; init; } = true;

    /// <summary>The largest size of a session file, bytes.</summary>
    public ulong Limit { get; init; } = 1 << 30;

    /// <summary>The behavior of a traced thread when there is no room for its records.</summary>
    public OnFull OnFull { get; init; } = OnFull.Wait;

    /// <summary>What is recorded of the C heap and of mappings: allocations that do not come by <c>PyMem_*</c>.</summary>
    public NativeMode Native { get; init; }

    /// <summary>True if a fatal signal leaves a report of the stacks.</summary>
    public bool Crash { get; init; }

    /// <summary>
    /// The largest log of every event, bytes as it is written; what comes later is counted. 0: events are not kept, only what they come to;
    /// otherwise <see cref="SmallestEvents"/> or more.
    /// </summary>
    public ulong Events { get; init; }

    /// <summary>True if the types and holders of the blocks that are live at the end are read from a copy of the process (docs/objects.md).</summary>
    public bool ObjectsAtEnd { get; init; }

    /// <summary>
    /// True if the types and holders near the high-water mark are read, from copies that the process makes as its live memory grows. The last one is the snapshot
    /// <c>near-peak</c>.
    /// </summary>
    public bool ObjectsAtPeak { get; init; }

    /// <summary>A block is temporary when its thread frees it before this many further allocations of its own. For the collector only.</summary>
    public int TemporaryThreshold { get; init; } = 1;

    /// <summary>The value of <c>ALLOCTRACE_OPTIONS</c>: what differs from the defaults, <c>name=value</c> joined by commas.</summary>
    /// <param name="collected">Whether a collector is there already, so that no process starts one.</param>
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
