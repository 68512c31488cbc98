using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace AllocTrace.Report.Web;

/// <summary>
/// The data of a page: a header in JSON and columns of numbers, compressed (raw deflate) and in base64. Layout: the length of the header (32 bits), the
/// header, zeros up to a multiple of 8, then the columns, each at a multiple of 8, little-endian. The header names them in "columns": name, type
/// (<c>i32</c> or <c>f64</c>), offset from the first column in bytes, length in elements.
/// </summary>
internal sealed class ColumnFile
{
    private const int Alignment = 8;

    private readonly List<(string Name, string Type, long Offset, int Length, byte[] Bytes)> _columns = [];
    private long _end;

    public void Add(string name, ReadOnlySpan<int> values) => Add(name, "i32", values.Length, MemoryMarshal.AsBytes(values));

    public void Add(string name, ReadOnlySpan<double> values) => Add(name, "f64", values.Length, MemoryMarshal.AsBytes(values));

    /// <summary>Returns the whole as text.</summary>
    /// <param name="writeHeader">Writes the properties of the header's object.</param>
    public string ToBase64(Action<Utf8JsonWriter> writeHeader)
    {
        using var target = new MemoryStream();
        using (var compressed = new DeflateStream(target, CompressionLevel.Optimal, leaveOpen: true))
        {
            var header = Header(writeHeader);
            compressed.Write(BitConverter.GetBytes(header.Length));
            compressed.Write(header);
            compressed.Write(new byte[Padding(4 + header.Length)]);
            foreach (var column in _columns)
            {
                compressed.Write(column.Bytes);
                compressed.Write(new byte[Padding(column.Bytes.Length)]);
            }
        }

        return Convert.ToBase64String(target.GetBuffer(), 0, (int)target.Length);
    }

    private static int Padding(long length) => (int)((Alignment - (length % Alignment)) % Alignment);

    private byte[] Header(Action<Utf8JsonWriter> write)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            write(json);
            json.WriteStartArray("columns");
            foreach (var (name, type, offset, length, _) in _columns)
            {
                json.WriteStartArray();
                json.WriteStringValue(name);
                json.WriteStringValue(type);
                json.WriteNumberValue(offset);
                json.WriteNumberValue(length);
                json.WriteEndArray();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return text.ToArray();
    }

    private void Add(string name, string type, int length, ReadOnlySpan<byte> bytes)
    {
        _columns.Add((name, type, _end, length, bytes.ToArray()));
        _end += bytes.Length + Padding(bytes.Length);
    }
}
