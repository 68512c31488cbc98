using System.Buffers.Binary;
using System.Text;

namespace AllocTrace.Platform;

/// <summary>Where an ELF file (64 bits, little endian) has its dynamic symbols and its sections, as elf(5) lays them out.</summary>
internal sealed class ElfImage
{
    private const int HeaderBytes = 64, SectionBytes = 64, SegmentBytes = 56, SymbolBytes = 24;
    private const uint Loaded = 1, DynamicSymbols = 11;
    private readonly byte[] _file;

    private ElfImage(byte[] file) => _file = file;

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

    /// <returns><see langword="null"/> when it cannot be read, or is something else.</returns>
    public static ElfImage? TryOpen(string path) => Begins(path, "\u007fELF\u0002\u0001"u8) ? new(File.ReadAllBytes(path)) : null;

    public static bool IsOf32Bits(string path) => Begins(path, "\u007fELF\u0001"u8);

    /// <summary>Addresses of the exported symbols of these names.</summary>
    /// <exception cref="IOException">The file is damaged.</exception>
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
    /// <exception cref="IOException">The file is damaged.</exception>
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

    private static bool Begins(string path, ReadOnlySpan<byte> magic)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            Span<byte> first = stackalloc byte[magic.Length];
            return file.Length >= HeaderBytes && file.ReadAtLeast(first, first.Length, throwOnEndOfStream: false) == first.Length && first.SequenceEqual(magic);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return false; // gone, or a device
        }
    }

    private IEnumerable<int> Sections() => Enumerable.Range(0, Word16(60)).Select(SectionAt);

    private int SectionAt(int index) => (int)Word64(40) + (index * SectionBytes);

    private ushort Word16(int at) => BinaryPrimitives.ReadUInt16LittleEndian(At(at, sizeof(ushort)));

    private uint Word32(int at) => BinaryPrimitives.ReadUInt32LittleEndian(At(at, sizeof(uint)));

    private ulong Word64(int at) => BinaryPrimitives.ReadUInt64LittleEndian(At(at, sizeof(ulong)));

    private string Text(int at)
    {
        var rest = At(at, 1);
        return rest.IndexOf((byte)0) is >= 0 and var end ? Encoding.UTF8.GetString(rest[..end]) : "";
    }

    /// <summary>The file from a place on.</summary>
    private ReadOnlySpan<byte> At(int at, int least) =>
        at >= 0 && at <= _file.Length - least ? _file.AsSpan(at) : throw new IOException("an ELF file is damaged");
}
