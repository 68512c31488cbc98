using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary><c>struct alloctrace_image</c>: a mapping of a file with code.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct ImageEntry
{
    [FieldOffset(0)] public ulong Begin;
    [FieldOffset(8)] public ulong End;

    /// <summary>The offset in the file of the byte at <see cref="Begin"/>.</summary>
    [FieldOffset(16)] public ulong FileOffset;

    [FieldOffset(24)] public uint Path;
    [FieldOffset(28)] public uint BuildId;
}
