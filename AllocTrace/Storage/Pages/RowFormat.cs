using System.Buffers.Binary;
using System.Numerics;

namespace AllocTrace.Storage.Pages;

/// <summary>
/// Encodes rows of integers as SQLite keeps them: "Record Format" of its file format (sqlite.org/fileformat2.html). A header has its own
/// length and the type of each value; the values follow, big-endian, each as short as it can be.
/// </summary>
internal static class RowFormat
{
    /// <summary>The most columns: the length of the header then is one byte.</summary>
    public const int MostColumns = 32;

    /// <summary>The most bytes of a row, with its length and its key in front.</summary>
    public const int MostBytes = VarintBytes + VarintBytes + 2 + MostColumns * 9 + sizeof(long);

    private const int VarintBytes = 9;

    /// <summary>The bytes of a value by its type: 0 is NULL, 8 and 9 are the numbers 0 and 1 themselves.</summary>
    private static ReadOnlySpan<byte> _lengths => [0, 1, 2, 3, 4, 6, 8, 0, 0, 0];

    /// <summary>Writes a number in 1 to 9 bytes, seven bits in each, the most significant first.</summary>
    /// <returns>The number of bytes.</returns>
    public static int WriteVarint(Span<byte> target, long value)
    {
        var rest = (ulong)value;
        if (rest < 0x80)
        {
            target[0] = (byte)rest;
            return 1;
        }

        if (rest >> 56 != 0)
            return WriteLongest(target, rest);

        var length = 1;
        while (rest >> (7 * length) != 0)
            length++;

        for (var i = length - 1; i >= 0; i--, rest >>= 7)
            target[i] = (byte)((rest & 0x7F) | (i == length - 1 ? 0u : 0x80u));

        return length;
    }

    /// <summary>Writes the length of a record and the record.</summary>
    /// <param name="target">At least <see cref="MostBytes"/>.</param>
    /// <param name="key">The row's number, which stands in front and in the record is NULL; <see langword="null"/>: the table has no such column.</param>
    /// <param name="values">At most <see cref="MostColumns"/> values: all columns but that of <paramref name="key"/>, which is the first.</param>
    /// <returns>The number of bytes.</returns>
    public static int WriteCell(Span<byte> target, long? key, ReadOnlySpan<long?> values)
    {
        Span<byte> types = stackalloc byte[MostColumns];
        var header = values.Length + (key is null ? 1 : 2);
        var length = header;
        for (var i = 0; i < values.Length; i++)
        {
            types[i] = values[i] is { } value ? TypeOf(value) : (byte)0;
            length += _lengths[types[i]];
        }

        var end = WriteVarint(target, length);
        if (key is { } row)
            end += WriteVarint(target[end..], row);

        target[end++] = (byte)header;
        if (key is not null)
            target[end++] = 0;

        types[..values.Length].CopyTo(target[end..]);
        end += values.Length;
        for (var i = 0; i < values.Length; i++)
        {
            var bytes = _lengths[types[i]];
            if (bytes > 0)
                BinaryPrimitives.WriteInt64BigEndian(target[end..], values[i].GetValueOrDefault() << (64 - 8 * bytes)); // what is too much is overwritten

            end += bytes;
        }

        return end;
    }

    /// <summary>Returns the "serial type" of an integer: the shortest.</summary>
    private static byte TypeOf(long value) => (64 - BitOperations.LeadingZeroCount((ulong)(value ^ (value >> 63)))) switch
    {
        0 or 1 when value is 0 or 1 => (byte)(8 + value),
        <= 7 => 1,
        <= 15 => 2,
        <= 23 => 3,
        <= 31 => 4,
        <= 47 => 5,
        _ => 6,
    };

    // Eight times seven bits, then all eight of the last byte.
    private static int WriteLongest(Span<byte> target, ulong value)
    {
        target[8] = (byte)value;
        value >>= 8;
        for (var i = 7; i >= 0; i--, value >>= 7)
            target[i] = (byte)((value & 0x7F) | 0x80);

        return VarintBytes;
    }
}
