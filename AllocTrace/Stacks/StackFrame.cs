namespace AllocTrace.Stacks;

/// <summary>A frame of a running program, or of one that crashed.</summary>
/// <param name="Filename">The file, as the code object names it (<c>co_filename</c>).</param>
/// <param name="Line">The line, from 1; 0 if the instruction has none.</param>
/// <param name="Function">The qualified name of the function (the plain one up to CPython 3.10).</param>
public sealed record StackFrame(string Filename, int Line, string Function);
