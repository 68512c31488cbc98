namespace AllocTrace.Stacks;

/// <summary>A frame of a running program, or of one that crashed.</summary>
/// <param name="Filename">The file, as the code object names it (<c>co_filename</c>).</param>
/// <param name="Line">The line, from 1; 0 if the instruction has none.</param>
/// <param name="Function">The qualified name of the function (the plain one up to CPython 3.10).</param>
public sealed record StackFrame(string Filename, int Line, string Function)
{
    /// <summary>
    /// True for a C function: the file is then its library or program, the line is 0, and the function is a symbol or
    /// <c>library+0xoffset</c>.
    /// </summary>
    public bool IsNative { get; init; }
}
