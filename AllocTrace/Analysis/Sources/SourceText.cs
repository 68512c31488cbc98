using System.Text;
using System.Text.RegularExpressions;

namespace AllocTrace.Analysis;

/// <summary>Decodes Python source: UTF-8, unless a comment on one of the first two lines names another encoding (PEP 263).</summary>
internal static partial class SourceText
{
    /// <exception cref="ArgumentException">The encoding is not known, or the file does not follow it.</exception>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith(Encoding.UTF8.Preamble))
            bytes = bytes[Encoding.UTF8.Preamble.Length..];

        // Bytes as characters: the cookie is ASCII.
        var beginning = Encoding.Latin1.GetString(bytes[..Math.Min(bytes.Length, 1024)]);
        var name = Cookie().Match(beginning) is { Success: true } match ? match.Groups[1].Value.ToLowerInvariant().Replace('_', '-') : "utf-8";
        return Encoding.GetEncoding(
            name is "utf8" or "utf-8-sig" ? "utf-8" : name is "latin-1" or "latin1" ? "iso-8859-1" : name,
            EncoderFallback.ExceptionFallback,
            DecoderFallback.ExceptionFallback).GetString(bytes);
    }

    // The second line counts only when the first one has no code.
    [GeneratedRegex(@"\A(?:[ \t\f]*(?:#[^\r\n]*)?\r?\n)?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)", RegexOptions.CultureInvariant)]
    private static partial Regex Cookie();
}
