using AllocTrace.Stacks;

namespace AllocTrace.Storage;

/// <summary>A thread of a process that crashed.</summary>
/// <param name="OsId">The thread id of the system; <see langword="null"/> if unknown.</param>
/// <param name="Identifier">The result of <c>threading.get_ident()</c> in the thread.</param>
/// <param name="Name">The name of the thread, as the system has it.</param>
/// <param name="Interpreter">CPython's id of the interpreter; <see langword="null"/> if the thread never ran Python code.</param>
/// <param name="HasCrashed">True if the thread received the signal.</param>
/// <param name="Depth">The number of frames on the stack.</param>
/// <param name="HasFaulted">True if only a part of the stack could be read.</param>
/// <param name="Frames">The innermost frames, oldest first.</param>
public sealed record CrashedThread(
    long? OsId, ulong Identifier, string Name, long? Interpreter, bool HasCrashed, long Depth, bool HasFaulted, IReadOnlyList<StackFrame> Frames);
