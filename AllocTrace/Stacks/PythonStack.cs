namespace AllocTrace.Stacks;

/// <summary>The Python stack of a thread state, with what tells where its C frames belong.</summary>
/// <param name="Frames">The frames, oldest first.</param>
/// <param name="IsCut">True if the oldest are left out because there are too many.</param>
/// <param name="Loops">The interpreter's loops that run them, innermost first.</param>
internal sealed record PythonStack(IReadOnlyList<StackFrame> Frames, bool IsCut, IReadOnlyList<PythonLoop> Loops);

/// <summary>
/// A loop of the interpreter that a thread is in: a C function. CPython links a local variable of it into a list: from 3.12 on the entry
/// trampoline, which is a frame, in 3.11 the <c>_PyCFrame</c>. To 3.10, each Python frame has a loop of its own.
/// </summary>
/// <param name="Local">The address of the variable; 0 if there is none.</param>
/// <param name="Inside">The number of Python frames that it runs, with all inside of them.</param>
internal readonly record struct PythonLoop(ulong Local, int Inside);
