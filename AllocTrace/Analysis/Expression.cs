using System.Text;

namespace AllocTrace.Analysis;

/// <summary>An expression in its source line, from CPython 3.11 on. Columns are bytes of UTF-8, as the compiler counts them.</summary>
/// <param name="FirstColumn">The first column on the frame's line, from 0.</param>
/// <param name="EndLine">The line on which it ends, from 1.</param>
/// <param name="EndColumn">The exclusive end column on that line.</param>
public sealed record Expression(int FirstColumn, int EndLine, int EndColumn)
{
    /// <summary>Finds the characters of the expression in the frame's line.</summary>
    /// <param name="line">The whole source line (<see cref="SourceFiles.FindWhole"/>).</param>
    /// <param name="lineNumber">The number of the frame's line.</param>
    /// <returns>
    /// The range of characters, up to the end of the line if the expression has several lines; <see langword="null"/> if the line is too
    /// short.
    /// </returns>
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
