namespace AllocTrace.Stacks;

/// <summary>The C stack of a thread.</summary>
/// <param name="Frames">Its frames, innermost first.</param>
/// <param name="Problem">The reason for which older frames are missing; <see langword="null"/> if none are.</param>
internal sealed record CStack(IReadOnlyList<CFrame> Frames, string? Problem);
