using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary><c>struct alloctrace_code</c>: the names of a code object, as references into the strings.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct CodeEntry
{
    [FieldOffset(0)] public uint Filename;
    [FieldOffset(4)] public uint Name;
    [FieldOffset(8)] public uint Qualname;
    [FieldOffset(12)] public uint FirstLine;
}
