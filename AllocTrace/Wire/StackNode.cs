using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary><c>struct alloctrace_node</c>: a frame and, by its parent, all its callers.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct StackNode
{
    /// <summary>The caller's node: smaller than the node's own number.</summary>
    [FieldOffset(0)] public uint Parent;

    [FieldOffset(4)] public uint Code;

    /// <summary>0: the instruction has no line.</summary>
    [FieldOffset(8)] public uint Line;
}
