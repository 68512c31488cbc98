using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary>
/// <c>struct alloctrace_session</c>: the first bytes of a session file. The members mean what <c>wire.h</c> says; strings are references
/// into the strings' extents, 0 is none. The <c>Collector…</c> members and <see cref="FreeSlabs"/> are the ones that a collector writes.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 1408)]
internal unsafe struct SessionHeader
{
    [FieldOffset(0)] public ulong Magic;
    [FieldOffset(8)] public uint Version;
    [FieldOffset(12)] public uint HeaderBytes;
    [FieldOffset(16)] public uint ExtentBytes;
    [FieldOffset(20)] public uint SlabBytes;
    [FieldOffset(24)] public uint Pid;
    [FieldOffset(28)] public uint ParentPid;
    [FieldOffset(32)] public ulong PidStarted;
    [FieldOffset(40)] public ulong StartedNs;
    [FieldOffset(48)] public ulong StartedMonoNs;
    [FieldOffset(56)] public ulong EndedMonoNs;
    [FieldOffset(64)] public ulong SampleBytes;
    [FieldOffset(72)] public ulong LimitBytes;
    [FieldOffset(80)] public uint MaxFrames;
    [FieldOffset(84)] public uint OnFull;
    [FieldOffset(88)] public uint CommandLine;
    [FieldOffset(92)] public uint Executable;
    [FieldOffset(96)] public uint Phase;
    [FieldOffset(100)] public fixed uint TrackedDomain[WireFormat.Domains];
    [FieldOffset(164)] public uint ForkParentPid;
    [FieldOffset(168)] public uint Runtimes;
    [FieldOffset(172)] public uint Interpreters;
    [FieldOffset(176)] public ulong ForkNumber;
    [FieldOffset(184)] public fixed byte Runtime[WireFormat.Runtimes * RuntimeEntry.Bytes];

    [FieldOffset(504)] public ulong EventsBytes;

    [FieldOffset(512)] public uint Extents;
    [FieldOffset(516)] public uint Threads;
    [FieldOffset(520)] public uint Slabs;
    [FieldOffset(524)] public uint Nodes;
    [FieldOffset(528)] public uint Codes;
    [FieldOffset(532)] public uint StringBytes;
    [FieldOffset(536)] public ulong LostStacks;
    [FieldOffset(544)] public ulong CutStacks;
    [FieldOffset(552)] public ulong UnslottedEvents;

    [FieldOffset(576)] public ulong Order;

    [FieldOffset(640)] public ulong FreeSlabs;

    [FieldOffset(704)] public uint CollectorPid;
    [FieldOffset(708)] public uint CollectorAttached;
    [FieldOffset(712)] public ulong CollectorBeatNs;
    [FieldOffset(720)] public ulong ReleasedSlabs;

    /// <summary>A <see cref="WireFormat.DoneCollected"/> or <see cref="WireFormat.DoneLeft"/>; 0 until then.</summary>
    [FieldOffset(728)] public uint CollectorDone;

    /// <summary>1: what is written next beside the session has the course too, not only the live blocks.</summary>
    [FieldOffset(732)] public uint LiveCourse;
    [FieldOffset(736)] public ulong CollectorJournal;
    [FieldOffset(744)] public ulong LiveWantedNs;
    [FieldOffset(752)] public ulong LiveWrittenNs;

    [FieldOffset(772)] public uint Requested;
    [FieldOffset(776)] public uint Answered;
    [FieldOffset(780)] public uint RequestedObjects;
    [FieldOffset(784)] public fixed byte RequestedName[RequestedNameBytes];

    [FieldOffset(1024)] public ulong PidNamespace;
    [FieldOffset(1032)] public ulong TimeNamespace;
    /// <summary>The option: 0 is off.</summary>
    [FieldOffset(1040)] public uint Native;

    /// <summary>A <see cref="NativeReach"/>.</summary>
    [FieldOffset(1044)] public uint NativeReach;
    [FieldOffset(1048)] public uint NativePast;
    [FieldOffset(1052)] public uint Images;
    [FieldOffset(1056)] public uint CFrames;

    [FieldOffset(1064)] public ulong MemoryWords;
    [FieldOffset(1072)] public ulong MemoryWantedNs;
    [FieldOffset(1080)] public ulong OwnMappings;
    [FieldOffset(1088)] public ulong CutCStacks;
    [FieldOffset(1096)] public ulong UnplacedCStacks;

    [FieldOffset(1152)] public uint CopyWanted;
    [FieldOffset(1156)] public uint CopyState;
    [FieldOffset(1160)] public uint CopyPid;
    [FieldOffset(1164)] public uint CopyEnds;
    [FieldOffset(1168)] public uint CopyError;

    /// <summary>The option: 0 is off.</summary>
    [FieldOffset(1172)] public uint ObjectsAtPeak;
    [FieldOffset(1176)] public ulong CopyPauseNs;
    [FieldOffset(1184)] public fixed byte AnsweredNote[AnsweredNoteBytes];

    [FieldOffset(1400)] public ulong UnreadContexts;

    public const int RequestedNameBytes = 240, AnsweredNoteBytes = 216;
}
