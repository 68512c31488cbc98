namespace AllocTrace.Wire;

/// <summary>The constants of <c>wire.h</c>: sizes are bytes.</summary>
internal static class WireFormat
{
    /// <summary>The bytes "ALOC TRC"; stored last, so a file without it is not a session yet.</summary>
    public const ulong Magic = 0x43525420434F4C41;

    public const uint Version = 4;

    public const int HeaderBytes = 65536;
    public const int ExtentBytes = 262144;
    public const int SlabBytes = 65536;

    /// <summary>Where, within the header, the kinds of the extents begin: one byte each.</summary>
    public const int ExtentKindsOffset = 4096;

    public const int MaxExtents = HeaderBytes - ExtentKindsOffset;
    public const int MaxStringBytes = 65528;

    /// <summary>The number of CPythons of a process that are described.</summary>
    public const int Runtimes = 8;

    public const int Domains = 16;

    /// <summary>The first domain that an extension names itself (<c>PyTraceMalloc_Track</c>); those below are raw, mem and obj.</summary>
    public const int FirstTrackedDomain = 3;

    /// <summary>The C heap (option <c>native</c>); one address space with raw, mem and obj.</summary>
    public const int MallocDomain = 13;

    /// <summary>Mappings (option <c>native</c>).</summary>
    public const int MmapDomain = 14;

    /// <summary>The record domain that all further tracked domains share: bits from <see cref="OtherShift"/> on of an address tell one from another.</summary>
    public const int OtherDomains = 15;

    public const int OtherShift = 48;

    /// <summary>"A stack that could not be kept".</summary>
    public const uint DroppedNode = 1;

    public const uint FirstNode = 2;

    /// <summary>The code of a node that is no frame: its line is the number of a sub-interpreter, whose stacks are below it.</summary>
    public const uint InterpreterCode = uint.MaxValue;

    /// <summary>The code of a node that tells which expression of its parent's line allocated; its line is the packed expression.</summary>
    public const uint ExpressionCode = uint.MaxValue - 1;

    /// <summary>The code of a node that tells the innermost C segment of the stack above it; its line is a number in the C frames.</summary>
    public const uint NativeCode = uint.MaxValue - 2;

    /// <summary>The code of a node that tells the segments outside of the interpreter's innermost loop; its line is a list in the C frames.</summary>
    public const uint OuterCode = uint.MaxValue - 3;

    /// <summary>The code of a node that is no frame: C called the interpreter there.</summary>
    public const uint EntryCode = uint.MaxValue - 4;

    /// <summary>The first C frame that is stored; 0 is none and 1 one for which there was no room.</summary>
    public const uint FirstCFrame = 2;

    /// <summary>The images of a C frame whose code no file has, and of what is no frame but an element of a list of segments.</summary>
    public const uint NoImage = uint.MaxValue, SegmentImage = uint.MaxValue - 1;

    /// <summary>Why a process that ends need not wait for its collector: it is in a database, or left for another collector.</summary>
    public const uint DoneCollected = 1, DoneLeft = 2;

    /// <summary>The largest mean distance between two sampled allocations, bytes.</summary>
    public const long LargestSample = 1L << 40;

    public const int OperandBits = 56;
    public const ulong OperandMask = (1UL << OperandBits) - 1;

    /// <summary>The room of a crash for threads, allocations and frames, and the offsets of its parts in its extent.</summary>
    public const int CrashThreads = 128, CrashAllocations = 64, CrashFrames = 8192, CrashCFrames = 256;

    public const int CrashThreadsOffset = 128;
    public const int CrashAllocationsOffset = CrashThreadsOffset + (CrashThreads * CrashThread.Bytes);
    public const int CrashFramesOffset = CrashAllocationsOffset + (CrashAllocations * 32);
    public const int CrashCFramesOffset = CrashFramesOffset + (CrashFrames * 16);
    public const int CrashTextOffset = CrashCFramesOffset + (CrashCFrames * CrashCFrame.Bytes);

    /// <summary>In the argument of a <see cref="MarkKind.Copy"/>.</summary>
    public const int CopyPidShift = 32;

    /// <summary>The bit of the session's order word that makes each thread look at the collector's request; no part of the ticket.</summary>
    public const ulong OrderRequest = 1UL << 63;

    /// <summary>The size of a page in accounts of resident memory, and in the argument of a mark about an arena.</summary>
    public const int MemoryPage = 4096;

    /// <summary>Bits of the thread slot in the session's order word; the ticket is above them.</summary>
    public const int SlotBits = 20;

    public const uint SlotMask = (1u << SlotBits) - 1;

    /// <summary>Returns whether a domain's blocks are of the one heap that CPython's allocators and the C library share.</summary>
    public static bool IsHeap(int domain) => domain is < FirstTrackedDomain or MallocDomain;

    /// <summary>Returns whether an extension names the domain itself.</summary>
    public static bool IsTracked(int domain) => domain is (>= FirstTrackedDomain and < MallocDomain) or OtherDomains;
}
