namespace AllocTrace.Stacks;

/// <summary>A frame of a running program, or of one that crashed.</summary>
/// <param name="Filename">As CPython has it, <c>co_filename</c>.</param>
/// <param name="Line">0: the instruction has none.</param>
/// <param name="Function">The qualified name (the name to 3.10).</param>
public sealed record StackFrame(string Filename, int Line, string Function);
