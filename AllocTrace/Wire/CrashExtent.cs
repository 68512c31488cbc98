namespace AllocTrace.Wire;

/// <summary>A crash in a session, checked: every count and reference is within its part, or the session is damaged.</summary>
internal sealed unsafe class CrashExtent
{
    private readonly SessionFile _session;
    private readonly byte* _start;

    private CrashExtent(SessionFile session, byte* start)
    {
        _session = session;
        _start = start;
        Header = *(CrashHeader*)start;
        if (Header.Threads > WireFormat.CrashThreads || Header.Allocations > WireFormat.CrashAllocations || Header.Frames > WireFormat.CrashFrames
            || Header.CFrames > WireFormat.CrashCFrames
            || Header.TextBytes > WireFormat.ExtentBytes - WireFormat.CrashTextOffset)
            throw session.Damaged("a crash announces more entries than fit");
    }

    public CrashHeader Header { get; }

    /// <summary>True if the writing came to its end.</summary>
    public bool IsComplete => Header.State == Written;

    private const uint Written = 2;

    /// <summary>The crash of a session; <see langword="null"/>: there was none.</summary>
    /// <exception cref="InvalidTraceException">It is damaged.</exception>
    public static CrashExtent? Of(SessionFile session) => session.Crash is var start && start != null && Volatile.Read(ref ((CrashHeader*)start)->State) != 0 ? new(session, start) : null;

    public CrashThread Thread(uint number) => ((CrashThread*)(_start + WireFormat.CrashThreadsOffset))[number];

    /// <summary>Frame <paramref name="number"/> of all.</summary>
    /// <exception cref="InvalidTraceException">There is none.</exception>
    public CrashFrame Frame(uint number) => number < Header.Frames ? ((CrashFrame*)(_start + WireFormat.CrashFramesOffset))[number] : throw _session.Damaged($"frame {number} of a crash does not exist");

    /// <summary>C frame <paramref name="number"/>, below <see cref="CrashHeader.CFrames"/>.</summary>
    public CrashCFrame CFrame(uint number) => ((CrashCFrame*)(_start + WireFormat.CrashCFramesOffset))[number];

    public CrashAllocation Allocation(uint number) => ((CrashAllocation*)(_start + WireFormat.CrashAllocationsOffset))[number];

    /// <exception cref="InvalidTraceException">The reference points outside.</exception>
    public string Text(uint reference)
    {
        if (reference == 0)
            return "";

        if (reference % 4 != 0 || reference > Header.TextBytes || Header.TextBytes - reference < sizeof(uint))
            throw _session.Damaged($"text {reference} of a crash does not exist");

        var at = _start + WireFormat.CrashTextOffset + reference;
        var length = *(uint*)at;
        if (length > Header.TextBytes - reference - sizeof(uint))
            throw _session.Damaged($"text {reference} of a crash has {length} bytes");

        return PythonText.Decode(new ReadOnlySpan<byte>(at + sizeof(uint), (int)length));
    }

    public static string NameOf(CrashThread thread)
    {
        var name = new ReadOnlySpan<byte>(thread.Name, CrashThread.NameBytes);
        return PythonText.Decode(name.IndexOf((byte)0) is >= 0 and var end ? name[..end] : name);
    }
}
