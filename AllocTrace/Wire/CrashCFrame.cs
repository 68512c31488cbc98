using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary><c>struct alloctrace_crash_c_frame</c>: the path is a reference into the crash's own text.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct CrashCFrame
{
    public const int Bytes = 24;

    [FieldOffset(0)] public ulong Address;
    [FieldOffset(8)] public ulong Offset;
    [FieldOffset(16)] public uint Path;
    [FieldOffset(20)] public uint PythonFrames;
}
