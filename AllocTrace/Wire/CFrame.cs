using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary><c>struct alloctrace_c_frame</c>: a C frame and, by its parent, its callers in the same segment; or an element of a list of segments.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct CFrame
{
    /// <summary>The caller's number: smaller than the frame's own.</summary>
    [FieldOffset(0)] public uint Parent;

    [FieldOffset(4)] public uint Image;

    /// <summary>
    /// The offset of the return address in the image's file. Without an image, the return address; for an element, its segment.
    /// </summary>
    [FieldOffset(8)] public ulong Offset;
}
