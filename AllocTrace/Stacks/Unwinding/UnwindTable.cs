using System.Buffers.Binary;

namespace AllocTrace.Stacks;

/// <summary>
/// Finds functions in the unwind table of an image, <c>.eh_frame</c>, by its index, <c>.eh_frame_hdr</c> (Linux Standard Base, "Exception
/// Frames"), where a process has mapped them: what src/unwind/eh_frame.c does.
/// </summary>
internal sealed class UnwindTable(CodePages pages)
{
    private const int LongestEntry = 1 << 17;
    private const byte SortedTable = 0x3b, CountOf32Bits = 0x03, PointerOf32Bits = 0x1b;
    private const ulong ReturnAddress = 16;

    /// <summary>Finds the entry of the function that has an instruction.</summary>
    /// <param name="index">The address of <c>.eh_frame_hdr</c>.</param>
    /// <param name="pc">The address of the instruction.</param>
    /// <returns><see langword="null"/>: there is none.</returns>
    /// <exception cref="DamagedTableException">It is not understood.</exception>
    public UnwindEntry? Find(ulong index, ulong pc)
    {
        var head = pages.Read(index, 12);
        if (head[0] != 1 || head[1] != PointerOf32Bits || head[2] != CountOf32Bits || head[3] != SortedTable)
            throw new DamagedTableException();

        var (low, high) = (0UL, (ulong)BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(8)));
        while (low < high) // the first function that begins beyond pc
        {
            var middle = low + ((high - low) / 2);
            if (Item(index, middle, 0) <= pc)
                low = middle + 1;
            else
                high = middle;
        }

        return low > 0 && Read(Item(index, low - 1, 4)) is { } entry && pc >= entry.Begin && pc < entry.End ? entry : null;
    }

    private ulong Item(ulong index, ulong number, ulong part) =>
        index + (ulong)(long)BinaryPrimitives.ReadInt32LittleEndian(pages.Read(index + 12 + (number * 8) + part, 4));

    private UnwindEntry Read(ulong address)
    {
        var entry = Content(address);
        var distance = entry.Word32();
        var common = Content(address + 4 - distance);
        common.Word32();
        var (encoding, hasAugmentation, isSignal, codeUnit, dataUnit) = ReadCommon(ref common);

        var begin = entry.Pointer(encoding, 0);
        var end = begin + entry.Pointer(encoding & DwarfReader.PointerFormat, 0);
        if (hasAugmentation)
            entry.Take(entry.Unsigned());

        return new UnwindEntry
        {
            Begin = begin,
            End = end,
            CommonProgram = Rest(ref common),
            Program = Rest(ref entry),
            CodeUnit = codeUnit,
            DataUnit = dataUnit,
            IsSignal = isSignal,
        };
    }

    private static (int Encoding, bool HasAugmentation, bool IsSignal, ulong CodeUnit, long DataUnit) ReadCommon(ref DwarfReader common)
    {
        var version = common.Byte();
        var letters = common.Text();
        var (codeUnit, dataUnit) = (common.Unsigned(), common.Signed());
        if ((version == 1 ? common.Byte() : common.Unsigned()) != ReturnAddress)
            throw new DamagedTableException();

        var (encoding, isSignal) = (0, false);
        if (letters.IsEmpty || letters[0] != 'z')
            return (encoding, false, isSignal, codeUnit, dataUnit);

        // The letters name the data that follow; 'z' is the length of all of them.
        var length = common.Unsigned();
        var address = common.Address;
        var data = new DwarfReader(common.Take(length), address);
        foreach (var letter in letters[1..])
        {
            if (letter == 'R')
                encoding = data.Byte();
            else if (letter == 'L')
                data.Byte();
            else if (letter == 'P')
                data.Pointer(data.Byte() & 0x7f, 0);
            else if (letter == 'S')
                isSignal = true;
        }

        return (encoding, true, isSignal, codeUnit, dataUnit);
    }

    private DwarfReader Content(ulong address)
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(pages.Read(address, 4));
        return length is >= 4 and <= LongestEntry ? new DwarfReader(pages.Read(address + 4, (int)length), address + 4) : throw new DamagedTableException();
    }

    private static byte[] Rest(ref DwarfReader reader) => reader.TakeRest().ToArray();
}
