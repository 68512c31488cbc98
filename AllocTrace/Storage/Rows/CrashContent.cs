using AllocTrace.Stacks;
using AllocTrace.Wire;

namespace AllocTrace.Storage;

/// <summary>A crash as a session has it, checked.</summary>
/// <param name="Header">The signal.</param>
/// <param name="IsComplete">Whether the writing came to its end.</param>
/// <param name="Threads">The threads with their frames, innermost first.</param>
/// <param name="CFrames">The C stack of the thread of the signal, innermost first.</param>
/// <param name="Allocations">The last one first.</param>
internal sealed record CrashContent(
    CrashHeader Header, bool IsComplete, IReadOnlyList<(CrashThread Thread, StackFrame[] Frames)> Threads, IReadOnlyList<CrashedCFrame> CFrames, CrashAllocation[] Allocations);
