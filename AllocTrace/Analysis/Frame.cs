namespace AllocTrace.Analysis;

/// <summary>A frame of a stack. Frames are ordered by file, line and function, text by code point as in Python.</summary>
/// <param name="Filename">The file as the code object names it, for example <c>/srv/app.py</c> or <c>&lt;frozen importlib&gt;</c>.</param>
/// <param name="LineNumber">The line, from 1; 0 if it is unknown or not used.</param>
/// <param name="Function">The qualified name (the plain one before CPython 3.11); empty if it is not used.</param>
public readonly record struct Frame(string Filename, int LineNumber, string Function) : IComparable<Frame>
{
    /// <summary>
    /// True for a C function: the file is then its library or program, the line is 0, and the function is a symbol or
    /// <c>library+0xoffset</c>.
    /// </summary>
    public bool IsNative { get; init; }

    /// <inheritdoc/>
    public int CompareTo(Frame other)
    {
        var order = CodePointOrder.Compare(Filename, other.Filename);
        if (order == 0)
            order = LineNumber.CompareTo(other.LineNumber);
        if (order == 0)
            order = CodePointOrder.Compare(Function, other.Function);

        return order;
    }

    /// <summary>Formats the frame as tracemalloc does: <c>file:line</c>.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => $"{Filename}:{LineNumber}";
}
