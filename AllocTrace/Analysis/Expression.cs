using System.Text;

namespace AllocTrace.Analysis;

/// <summary>An expression within its line of source, from CPython 3.11 on. Columns are bytes of UTF-8, as the compiler counts them.</summary>
/// <param name="FirstColumn">Where it begins on the frame's line, from 0.</param>
/// <param name="EndLine">The line on which it ends.</param>
/// <param name="EndColumn">Before which column of that line.</param>
public sealed record Expression(int FirstColumn, int EndLine, int EndColumn)
{
    /// <summary>The part of the frame's line that belongs to it, in characters; <see langword="null"/> when the line does not have it.</summary>
    /// <param name="line">The whole line of source.</param>
    /// <param name="lineNumber">The frame's line.</param>
    public Range? Within(string line, int lineNumber)
    {
        var bytes = Encoding.UTF8.GetBytes(line);
        var end = EndLine == lineNumber ? EndColumn : bytes.Length;
        if (FirstColumn >= end || end > bytes.Length)
            return null;

        return Encoding.UTF8.GetCharCount(bytes, 0, FirstColumn)..Encoding.UTF8.GetCharCount(bytes, 0, end);
    }

    internal static Expression? Unpack(long packed, int line) =>
        packed == 0 ? null : new((int)(packed & 4095) - 1, line + (int)(packed >> 24), (int)(packed >> 12 & 4095) - 1);
}
