using System.Buffers.Binary;

namespace AllocTrace.Stacks;

/// <summary>
/// Reads numbers as unwind tables have them (DWARF 5, section 7.6; pointers: Linux Standard Base, "DWARF Extensions"). The data are another
/// process's and may be anything: no read leaves them.
/// </summary>
/// <param name="bytes">The data.</param>
/// <param name="address">Their address in the process: pointers may be relative to their own place.</param>
internal ref struct DwarfReader(ReadOnlySpan<byte> bytes, ulong address)
{
    /// <summary>The part of a pointer's encoding that says how the number is written.</summary>
    public const int PointerFormat = 0x0f;

    private const int PointerBase = 0x70, RelativeToSelf = 0x10, RelativeToData = 0x30, Indirect = 0x80;

    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>The address of what is read next.</summary>
    public ulong Address { get; private set; } = address;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    /// <exception cref="DamagedTableException">There are fewer bytes.</exception>
    public ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)_rest.Length)
            throw new DamagedTableException();

        var taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        Address += count;
        return taken;
    }

    /// <summary>Takes all that is left.</summary>
    public ReadOnlySpan<byte> TakeRest() => Take((ulong)_rest.Length);

    public readonly int Left => _rest.Length;

    public byte Byte() => Take(1)[0];

    public ushort Word16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public uint Word32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong Word64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    /// <summary>Reads a number in groups of seven bits; bits above the 64th are dropped.</summary>
    public ulong Unsigned() => Groups(out _, out _);

    /// <summary>Reads a signed number in groups of seven bits.</summary>
    public long Signed()
    {
        var value = Groups(out var bits, out var isNegative);
        return (long)(bits < 64 && isNegative ? value | (ulong.MaxValue << bits) : value);
    }

    /// <summary>Reads a text that ends with a byte 0.</summary>
    public ReadOnlySpan<byte> Text()
    {
        var length = _rest.IndexOf((byte)0);
        var text = Take(length < 0 ? ulong.MaxValue : (ulong)length);
        Take(1);
        return text;
    }

    /// <summary>Reads a pointer that is in the data itself.</summary>
    /// <param name="encoding">Its form.</param>
    /// <param name="data">The address that some are relative to.</param>
    public ulong Pointer(int encoding, ulong data)
    {
        var start = (encoding & PointerBase) switch { RelativeToSelf => Address, RelativeToData => data, _ => 0UL };
        var value = (encoding & PointerFormat) switch
        {
            0x1 => Unsigned(),
            0x2 => Word16(),
            0x3 => Word32(),
            0x9 => (ulong)Signed(),
            0xa => (ulong)(long)(short)Word16(),
            0xb => (ulong)(long)(int)Word32(),
            _ => Word64(),
        };
        return (encoding & Indirect) != 0 ? throw new DamagedTableException() : value == 0 ? 0 : unchecked(value + start);
    }

    private ulong Groups(out int bits, out bool isNegative)
    {
        var value = 0UL;
        byte group;
        bits = 0;
        do
        {
            group = Byte();
            if (bits < 64)
                value |= (ulong)(group & 0x7f) << bits;
            bits += 7;
        }
        while ((group & 0x80) != 0);

        isNegative = (group & 0x40) != 0;
        return value;
    }
}
