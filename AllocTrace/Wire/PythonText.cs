using System.Buffers;
using System.Text;

namespace AllocTrace.Wire;

/// <summary>Decodes the text of a session: UTF-8 in which lone surrogates, which Python strings may hold, are encoded as three bytes.</summary>
internal static class PythonText
{
    /// <summary>
    /// Decodes <paramref name="bytes"/>. A surrogate becomes the six characters <c>\udcXX</c>, as Python's <c>backslashreplace</c> writes
    /// it; other invalid bytes become U+FFFD. Never throws.
    /// </summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IndexOf((byte)0xED) < 0)
            return Encoding.UTF8.GetString(bytes);

        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (bytes.Length >= 3 && bytes[0] == 0xED && bytes[1] is >= 0xA0 and <= 0xBF && bytes[2] is >= 0x80 and <= 0xBF)
            {
                text.Append("\\u").Append((0xD000 | (bytes[1] & 0x3F) << 6 | bytes[2] & 0x3F).ToString("x4"));
                bytes = bytes[3..];
                continue;
            }

            var status = Rune.DecodeFromUtf8(bytes, out var rune, out var consumed);
            text.Append((status == OperationStatus.Done ? rune : Rune.ReplacementChar).ToString());
            bytes = bytes[consumed..];
        }

        return text.ToString();
    }
}
