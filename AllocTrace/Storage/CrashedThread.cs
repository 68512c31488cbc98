using AllocTrace.Stacks;

namespace AllocTrace.Storage;

/// <summary>A thread of a process that crashed.</summary>
/// <param name="OsId">The system's number for it; <see langword="null"/>: not known.</param>
/// <param name="Identifier">What <c>threading.get_ident()</c> says in it.</param>
/// <param name="Name">The system's name for it.</param>
/// <param name="Interpreter">CPython's number of its interpreter; <see langword="null"/>: it never ran Python code.</param>
/// <param name="HasCrashed">Whether it got the signal.</param>
/// <param name="Depth">Frames in all.</param>
/// <param name="HasFaulted">Whether its stack could be read only in part.</param>
/// <param name="Frames">The innermost frames, oldest first.</param>
public sealed record CrashedThread(
    long? OsId, ulong Identifier, string Name, long? Interpreter, bool HasCrashed, long Depth, bool HasFaulted, IReadOnlyList<StackFrame> Frames);
