using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary><c>struct alloctrace_crash_frame</c>: names are references into the crash's own text.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct CrashFrame
{
    [FieldOffset(0)] public uint Filename;
    [FieldOffset(4)] public uint Function;
    [FieldOffset(8)] public int Line;
}
