using System.Buffers.Binary;

namespace AllocTrace.Objects;

/// <summary>The shape of the key table of a dict: Include/internal/pycore_dict.h, to 3.10 Objects/dict-common.h.</summary>
/// <param name="FirstEntry">The offset of the entries, in bytes.</param>
/// <param name="Entries">The entries that are used, deleted ones included.</param>
/// <param name="EntryBytes">24 with a hash before key and value, 16 without.</param>
internal readonly record struct DictKeysTable(long FirstEntry, long Entries, int EntryBytes)
{
    /// <summary>The bytes of the header, in every version.</summary>
    public const int HeaderBytes = 40;

    /// <summary>Reads the header of a table.</summary>
    /// <returns><see langword="null"/> when it is not there or is impossible.</returns>
    public static DictKeysTable? Read(PageReader memory, ObjectLayout layout, ulong address)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        return memory.TryRead(address, header) ? Parse(header, layout) : null;
    }

    /// <summary>Parses the first <see cref="HeaderBytes"/> of a table.</summary>
    public static DictKeysTable? Parse(ReadOnlySpan<byte> header, ObjectLayout layout)
    {
        var entries = BinaryPrimitives.ReadInt64LittleEndian(header[layout.KeysEntries..]);
        if (layout.KeysIndexBytes != 0)
        {
            var indexBits = header[layout.KeysIndexBytes];
            return entries < 0 || indexBits > 40 ? null : new(layout.KeysIndices + (1L << indexBits), entries, header[layout.KeysKind] == 0 ? 24 : 16);
        }

        var slots = BinaryPrimitives.ReadInt64LittleEndian(header[8..]);
        var width = slots switch { <= 0xff => 1, <= 0xffff => 2, <= 0xffffffff => 4, _ => 8 };
        return entries < 0 || slots is < 0 or > 1L << 40 ? null : new(layout.KeysIndices + (slots * width), entries, 24);
    }
}
