namespace AllocTrace.Stacks;

/// <summary>A C frame of a thread.</summary>
/// <param name="Place">Its code.</param>
/// <param name="Pc">The address to which its callee returns; its instruction if it is the innermost, or was interrupted.</param>
/// <param name="Begin">The address of its innermost byte on the stack.</param>
/// <param name="End">The first address behind it; <see cref="Begin"/> if it is not known.</param>
internal readonly record struct CFrame(CodePlace Place, ulong Pc, ulong Begin, ulong End);
