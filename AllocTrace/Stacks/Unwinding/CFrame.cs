namespace AllocTrace.Stacks;

/// <summary>A C frame of a thread.</summary>
/// <param name="Place">Its code.</param>
/// <param name="Begin">The address of its innermost byte on the stack.</param>
/// <param name="End">The first address behind it; <see cref="Begin"/> if it is not known.</param>
internal readonly record struct CFrame(CodePlace Place, ulong Begin, ulong End);
