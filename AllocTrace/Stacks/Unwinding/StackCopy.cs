using System.Buffers.Binary;

namespace AllocTrace.Stacks;

/// <summary>A copy of a thread's stack, made while the thread stood still: it is unwound when the thread runs again.</summary>
/// <param name="begin">The address of its first byte: the stack pointer.</param>
/// <param name="bytes">The stack from there on.</param>
/// <param name="isPart">True if there is more of it.</param>
internal sealed class StackCopy(ulong begin, ReadOnlyMemory<byte> bytes, bool isPart)
{
    /// <summary>The number of bytes.</summary>
    public int Bytes => bytes.Length;

    /// <summary>True once something was asked for that a longer copy might have.</summary>
    public bool WasTooShort { get; private set; }

    /// <summary>Returns whether an address is of this stack, or its end.</summary>
    public bool Reaches(ulong address)
    {
        var distance = address - begin;
        WasTooShort |= isPart && address > begin && distance > (ulong)bytes.Length;
        return distance <= (ulong)bytes.Length;
    }

    /// <summary>Reads an aligned word; false if it is not of this stack.</summary>
    public bool TryRead(ulong address, out ulong word)
    {
        var isHere = address % sizeof(ulong) == 0 && address <= ulong.MaxValue - sizeof(ulong) && address >= begin && Reaches(address + sizeof(ulong));
        word = isHere ? BinaryPrimitives.ReadUInt64LittleEndian(bytes.Span[(int)(address - begin)..]) : 0;
        return isHere;
    }
}
