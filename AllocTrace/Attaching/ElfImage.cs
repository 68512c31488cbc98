using System.Buffers.Binary;
using System.Text;

namespace AllocTrace.Attaching;

/// <summary>Where an ELF file (64 bits, little endian) has its dynamic symbols and one section, as elf(5) lays them out.</summary>
internal sealed class ElfImage
{
    private const int HeaderBytes = 64, SectionBytes = 64, SegmentBytes = 56, SymbolBytes = 24;
    private const uint Loaded = 1, DynamicSymbols = 11;
    private readonly byte[] _file;

    public ElfImage(string path)
    {
        _file = File.ReadAllBytes(path);
        if (_file.Length < HeaderBytes || !_file.AsSpan(0, 6).SequenceEqual("\u007fELF\u0002\u0001"u8))
            throw new IOException($"{path} is not an ELF file of 64 bits");
    }

    /// <summary>The address of the first loaded byte, as the file counts addresses.</summary>
    public ulong FirstAddress
    {
        get
        {
            var (start, count) = ((int)Word64(32), Word16(56));
            for (var at = start; at < start + (count * SegmentBytes); at += SegmentBytes)
            {
                if (Word32(at) == Loaded)
                    return Word64(at + 16) - Word64(at + 8);
            }

            return 0;
        }
    }

    /// <summary>Addresses of the exported symbols of these names.</summary>
    public Dictionary<string, ulong> Symbols(params ReadOnlySpan<string> names)
    {
        var wanted = new HashSet<string>(names.ToArray());
        var found = new Dictionary<string, ulong>();
        foreach (var section in Sections())
        {
            if (Word32(section + 4) != DynamicSymbols)
                continue;

            var strings = (int)Word64(SectionAt((int)Word32(section + 40)) + 24);
            var (at, end) = ((int)Word64(section + 24), (int)(Word64(section + 24) + Word64(section + 32)));
            for (; at < end; at += SymbolBytes)
            {
                var (isDefined, value) = (Word16(at + 6) != 0, Word64(at + 8));
                if (isDefined && value != 0 && Text(strings + (int)Word32(at)) is var name && wanted.Contains(name))
                    found.TryAdd(name, value);
            }
        }

        return found;
    }

    /// <summary>The address of a section.</summary>
    public ulong? Section(string name)
    {
        var names = Word16(60) == 0 ? 0 : (int)Word64(SectionAt(Word16(62)) + 24);
        foreach (var section in Sections())
        {
            if (Text(names + (int)Word32(section)) == name)
                return Word64(section + 16);
        }

        return null;
    }

    private IEnumerable<int> Sections() => Enumerable.Range(0, Word16(60)).Select(SectionAt);

    private int SectionAt(int index) => (int)Word64(40) + (index * SectionBytes);

    private ushort Word16(int at) => BinaryPrimitives.ReadUInt16LittleEndian(_file.AsSpan(at));

    private uint Word32(int at) => BinaryPrimitives.ReadUInt32LittleEndian(_file.AsSpan(at));

    private ulong Word64(int at) => BinaryPrimitives.ReadUInt64LittleEndian(_file.AsSpan(at));

    private string Text(int at)
    {
        var rest = _file.AsSpan(at);
        return Encoding.UTF8.GetString(rest[..rest.IndexOf((byte)0)]);
    }
}
