using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary>
/// <c>struct alloctrace_session</c>: the first bytes of a session file. The members mean what <c>wire.h</c> says; strings are references
/// into the strings' extents, 0 is none. The <c>Collector…</c> members and <see cref="FreeSlabs"/> are the ones that a collector writes.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 512)]
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
    [FieldOffset(96)] public uint PythonVersion;
    [FieldOffset(100)] public uint PythonHex;
    [FieldOffset(104)] public uint Stacks;
    [FieldOffset(108)] public uint StacksReason;
    [FieldOffset(112)] public uint Phase;
    [FieldOffset(116)] public fixed uint TrackedDomain[WireFormat.Domains];
    [FieldOffset(180)] public uint ForkParentPid;
    [FieldOffset(184)] public uint Interpreters;
    [FieldOffset(192)] public ulong ForkNumber;

    [FieldOffset(256)] public uint Extents;
    [FieldOffset(260)] public uint Threads;
    [FieldOffset(264)] public uint Slabs;
    [FieldOffset(268)] public uint Nodes;
    [FieldOffset(272)] public uint Codes;
    [FieldOffset(276)] public uint StringBytes;
    [FieldOffset(280)] public ulong LostStacks;
    [FieldOffset(288)] public ulong CutStacks;
    [FieldOffset(296)] public ulong UnslottedEvents;

    [FieldOffset(320)] public ulong Order;

    [FieldOffset(384)] public ulong FreeSlabs;

    [FieldOffset(448)] public uint CollectorPid;
    [FieldOffset(452)] public uint CollectorAttached;
    [FieldOffset(456)] public ulong CollectorBeatNs;
    [FieldOffset(464)] public ulong ReleasedSlabs;
}
