using System.Buffers.Binary;
using System.Text;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Platform;

/// <summary>
/// Finds the dynamic symbols and the sections of an ELF file (64 bits, little endian), as elf(5) lays them out. The file is mapped by a process that may
/// be anybody's: only the tables are read, up to a size, and nothing but a plain file is.
/// </summary>
internal sealed partial class ElfImage
{
    private const int HeaderBytes = 64, SectionBytes = 64, SegmentBytes = 56, SymbolBytes = 24;
    private const uint Loaded = 1, Notes = 4, LocalSymbols = 2, DynamicSymbols = 11;
    private const int DataSymbol = 1;

    /// <summary>The largest table that is read, bytes: several times that of the largest libraries.</summary>
    private const long LargestTable = 256 << 20;

    private readonly byte[] _segments, _sections, _sectionNames;
    private readonly List<(byte[] Symbols, byte[] Strings)> _symbols = [];

    private ElfImage(SafeFileHandle file, bool allSymbols)
    {
        var header = Read(file, 0, HeaderBytes);
        _segments = Read(file, (long)Word64(header, 32), Word16(header, 56) * SegmentBytes);
        _sections = Read(file, (long)Word64(header, 40), Word16(header, 60) * SectionBytes);
        _sectionNames = _sections.Length == 0 ? [] : Content(file, Word16(header, 62));
        for (var i = 0; i < SectionCount; i++)
        {
            var type = Word32(_sections, (i * SectionBytes) + 4);
            if (type == DynamicSymbols || (allSymbols && type == LocalSymbols))
                _symbols.Add((Content(file, i), Content(file, (int)Word32(_sections, (i * SectionBytes) + 40))));
        }
    }

    /// <summary>The address of the first loaded byte, as the file counts addresses.</summary>
    public ulong FirstAddress
    {
        get
        {
            for (var at = 0; at < _segments.Length; at += SegmentBytes)
            {
                if (Word32(_segments, at) == Loaded)
                    return Word64(_segments, at + 16) - Word64(_segments, at + 8);
            }

            return 0;
        }
    }

    private int SectionCount => _sections.Length / SectionBytes;

    /// <summary>Reads a file's tables.</summary>
    /// <param name="path">The file.</param>
    /// <param name="allSymbols">True to read the symbols that only debuggers need as well, if the file has them.</param>
    /// <returns><see langword="null"/> when it cannot be read, or is something else.</returns>
    /// <exception cref="IOException">The file is damaged.</exception>
    public static ElfImage? TryOpen(string path, bool allSymbols = false)
    {
        using var file = Begins(path, "\u007fELF\u0002\u0001"u8);
        return file is null ? null : new ElfImage(file, allSymbols);
    }

    /// <summary>Opens an image with the data that <see cref="Functions"/> needs.</summary>
    /// <exception cref="IOException">The file is damaged.</exception>
    public static ElfImage? TryOpenWithFunctions(string path)
    {
        using var file = Begins(path, "\u007fELF\u0002\u0001"u8);
        if (file is null)
            return null;

        var image = new ElfImage(file, allSymbols: true);
        image.ReadBuildId(file);
        image.ReadUnwindIndex(file);
        return image;
    }

    public static bool IsOf32Bits(string path)
    {
        using var file = Begins(path, "\u007fELF\u0001"u8);
        return file is not null;
    }

    /// <summary>Addresses of the exported symbols of these names.</summary>
    /// <exception cref="IOException">The file is damaged.</exception>
    public Dictionary<string, ulong> Symbols(params ReadOnlySpan<string> names)
    {
        var wanted = names.ToArray().Select(name => (Name: name, Bytes: Encoding.UTF8.GetBytes(name + '\0'))).ToArray();
        var found = new Dictionary<string, ulong>();
        foreach (var (symbols, strings) in _symbols)
        {
            for (var at = 0; at + SymbolBytes <= symbols.Length; at += SymbolBytes)
            {
                var (isDefined, value, text) = (Word16(symbols, at + 6) != 0, Word64(symbols, at + 8), Word32(symbols, at));
                if (!isDefined || value == 0)
                    continue;

                var name = text < strings.Length ? strings.AsSpan((int)text) : throw Damaged();
                foreach (var (wantedName, bytes) in wanted)
                {
                    if (name.StartsWith(bytes))
                        found.TryAdd(wantedName, value);
                }
            }
        }

        return found;
    }

    /// <summary>The symbols of data that have a size, in the order of the file.</summary>
    /// <exception cref="IOException">The file is damaged.</exception>
    public IEnumerable<(ulong Address, ulong Bytes, string Name)> DataSymbols()
    {
        foreach (var (symbols, strings) in _symbols)
        {
            for (var at = 0; at + SymbolBytes <= symbols.Length; at += SymbolBytes)
            {
                var (value, bytes, text) = (Word64(symbols, at + 8), Word64(symbols, at + 16), Word32(symbols, at));
                if ((symbols[at + 4] & 15) != DataSymbol || Word16(symbols, at + 6) == 0 || bytes == 0)
                    continue;

                var name = text < strings.Length ? strings.AsSpan((int)text) : throw Damaged();
                yield return (value, bytes, Encoding.UTF8.GetString(name[..Math.Max(name.IndexOf((byte)0), 0)]));
            }
        }
    }

    /// <summary>The address of a section.</summary>
    public ulong? Section(string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name + '\0');
        for (var at = 0; at < _sections.Length; at += SectionBytes)
        {
            if (Word32(_sections, at) is var text && text < _sectionNames.Length && _sectionNames.AsSpan((int)text).StartsWith(bytes))
                return Word64(_sections, at + 16);
        }

        return null;
    }

    private static SafeFileHandle? Begins(string path, ReadOnlySpan<byte> magic)
    {
        SafeFileHandle? file = null;
        try
        {
            if (LibC.StatusBehind(path) is not { IsPlainFile: true }) // before a device is opened
                return null;

            file = LibC.OpenPresent(path, FileAccess.Read, follow: true);
            Span<byte> first = stackalloc byte[HeaderBytes];
            if (LibC.StatusOf(file) is { IsPlainFile: true } && RandomAccess.Read(file, first, fileOffset: 0) == HeaderBytes && first.StartsWith(magic))
                return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is gone, or may not be read.
        }

        file?.Dispose();
        return null;
    }

    private byte[] Content(SafeFileHandle file, int section)
    {
        var at = section < SectionCount ? section * SectionBytes : throw Damaged();
        return Read(file, (long)Word64(_sections, at + 24), (long)Word64(_sections, at + 32));
    }

    private static byte[] Read(SafeFileHandle file, long at, long count)
    {
        if (at < 0 || count is < 0 or > LargestTable || at > RandomAccess.GetLength(file) - count)
            throw Damaged();

        var bytes = new byte[count];
        var done = 0;
        while (done < bytes.Length)
        {
            var read = RandomAccess.Read(file, bytes.AsSpan(done), at + done);
            done += read > 0 ? read : throw Damaged();
        }

        return bytes;
    }

    private static ushort Word16(byte[] table, int at) => BinaryPrimitives.ReadUInt16LittleEndian(table.AsSpan(at));

    private static uint Word32(byte[] table, int at) => BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(at));

    private static ulong Word64(byte[] table, int at) => BinaryPrimitives.ReadUInt64LittleEndian(table.AsSpan(at));

    private static IOException Damaged() => new("an ELF file is damaged");
}
