using System.Buffers.Binary;
using System.Text;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Platform;

/// <summary>Functions: those that have names, and where each begins as far as the unwind table (<c>.eh_frame_hdr</c>) says it.</summary>
internal sealed partial class ElfImage
{
    private const int FunctionSymbol = 2, IndirectFunctionSymbol = 10, UntypedSymbol = 0;

    /// <summary>The only form of the index's table that linkers make: pairs of 32-bit numbers, relative to the index.</summary>
    private const byte SortedTable = 0x3b;

    private byte[] _unwindIndex = [];
    private ulong _unwindIndexAddress;

    /// <summary>The GNU build id, in base 16; empty if there is none.</summary>
    public string BuildId { get; private set; } = "";

    /// <summary>The symbols of code, in no order. A size of 0 is unknown.</summary>
    /// <exception cref="IOException">The file is damaged.</exception>
    public IEnumerable<(ulong Address, ulong Size, bool IsGlobal, string Name)> Functions()
    {
        foreach (var (symbols, strings) in _symbols)
        {
            for (var at = 0; at + SymbolBytes <= symbols.Length; at += SymbolBytes)
            {
                var (type, value, text) = (symbols[at + 4] & 15, Word64(symbols, at + 8), Word32(symbols, at));
                var section = Word16(symbols, at + 6);
                if (type is not (FunctionSymbol or IndirectFunctionSymbol or UntypedSymbol) || section is 0 or >= 0xff00 || value == 0 || text == 0)
                    continue;
                if (type == UntypedSymbol && !IsCode(section))
                    continue;

                var name = text < strings.Length ? strings.AsSpan((int)text) : throw Damaged();
                var end = name.IndexOf((byte)0);
                yield return (value, Word64(symbols, at + 16), symbols[at + 4] >> 4 != 0, Encoding.UTF8.GetString(end < 0 ? name : name[..end]));
            }
        }
    }

    /// <summary>Returns the addresses at which functions of the unwind table begin, in ascending order.</summary>
    public ulong[] FunctionStarts()
    {
        var index = _unwindIndex;
        if (index.Length < 12 || index[0] != 1 || index[3] != SortedTable || index[2] != 3)
            return [];

        var count = (int)Math.Min(Word32(index, 8), (index.Length - 12) / 8);
        var starts = new ulong[count];
        for (var i = 0; i < count; i++)
            starts[i] = _unwindIndexAddress + (ulong)(long)BinaryPrimitives.ReadInt32LittleEndian(index.AsSpan(12 + (i * 8)));

        Array.Sort(starts);
        return starts;
    }

    /// <summary>The address, as the file counts addresses, of a byte of the file; <see langword="null"/> when it is not loaded.</summary>
    public ulong? AddressOf(ulong fileOffset)
    {
        for (var at = 0; at < _segments.Length; at += SegmentBytes)
        {
            var distance = fileOffset - Word64(_segments, at + 8);
            if (Word32(_segments, at) == Loaded && distance < Word64(_segments, at + 32))
                return Word64(_segments, at + 16) + distance;
        }

        return null;
    }

    private bool IsCode(int section) => section < SectionCount && (Word64(_sections, (section * SectionBytes) + 8) & 4) != 0;

    private void ReadUnwindIndex(SafeFileHandle file)
    {
        for (var i = 0; i < SectionCount; i++)
        {
            var text = Word32(_sections, i * SectionBytes);
            if (text >= _sectionNames.Length || !_sectionNames.AsSpan((int)text).StartsWith(".eh_frame_hdr\0"u8) || Word32(_sections, (i * SectionBytes) + 4) == 8)
                continue;

            _unwindIndexAddress = Word64(_sections, (i * SectionBytes) + 16);
            _unwindIndex = Content(file, i);
        }
    }

    /// <summary>Finds the GNU build id in a segment of notes; in base 16.</summary>
    public static string? BuildIdIn(byte[] notes)
    {
        // Three 32-bit numbers (lengths of name and content, type), then both, each padded to 4 bytes.
        for (var note = 0L; note + 12 <= notes.Length;)
        {
            var (name, content) = (Word32(notes, (int)note), Word32(notes, (int)note + 4));
            var start = note + 12 + ((name + 3L) & ~3);
            if (start + content > notes.Length)
                break;
            if (Word32(notes, (int)note + 8) == 3 && notes.AsSpan((int)note + 12).StartsWith("GNU\0"u8))
                return Convert.ToHexStringLower(notes.AsSpan((int)start, (int)content));

            note = start + ((content + 3L) & ~3);
        }

        return null;
    }

    private void ReadBuildId(SafeFileHandle file)
    {
        for (var at = 0; at < _segments.Length && BuildId == ""; at += SegmentBytes)
        {
            if (Word32(_segments, at) != Notes)
                continue;

            BuildId = BuildIdIn(Read(file, (long)Word64(_segments, at + 8), (long)Word64(_segments, at + 32))) ?? "";
        }
    }
}
