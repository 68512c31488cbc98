using System.Buffers.Binary;

namespace AllocTrace.Stacks;

/// <summary>A copy of a thread's stack, made while the thread stood still: it is unwound when the thread runs again.</summary>
/// <param name="begin">The address of its first byte: the stack pointer.</param>
/// <param name="bytes">The stack from there on.</param>
internal sealed class StackCopy(ulong begin, byte[] bytes)
{
    /// <summary>The first address behind it.</summary>
    public ulong End => begin + (ulong)bytes.Length;

    /// <summary>Reads an aligned word; false if it is not of this stack.</summary>
    public bool TryRead(ulong address, out ulong word)
    {
        var distance = address - begin;
        var isHere = address % sizeof(ulong) == 0 && distance < (ulong)bytes.Length && (ulong)bytes.Length - distance >= sizeof(ulong);
        word = isHere ? BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan((int)distance)) : 0;
        return isHere;
    }
}
