namespace AllocTrace.Analysis;

/// <summary>A frame of a stack. Ordered by file, line and function, text by code point as in Python.</summary>
/// <param name="Filename">The file as the code object names it, for example <c>/srv/app.py</c> or <c>&lt;frozen importlib&gt;</c>.</param>
/// <param name="LineNumber">The line, from 1; 0 when it is unknown or does not matter.</param>
/// <param name="Function">The qualified name (the plain one before CPython 3.11); empty when it does not matter.</param>
public readonly record struct Frame(string Filename, int LineNumber, string Function) : IComparable<Frame>
{
    /// <summary>True for a C function: the file is the library or program that has it, the line 0, and the function a symbol, or <c>library+0xoffset</c>.</summary>
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

    /// <summary>The frame as tracemalloc prints it: <c>file:line</c>.</summary>
    public override string ToString() => $"{Filename}:{LineNumber}";
}
