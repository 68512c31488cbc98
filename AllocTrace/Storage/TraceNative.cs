using AllocTrace.Wire;

namespace AllocTrace.Storage;

/// <summary>The recording of a process's C allocations: a row of the table <c>native</c>.</summary>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of the process.</param>
/// <param name="Mode"><c>malloc</c> or <c>stacks</c>.</param>
/// <param name="Reach">
/// The calls that are recorded: <c>name</c> for all calls by name, <c>import</c> for those of images whose imports could be redirected,
/// <c>none</c>.
/// </param>
/// <param name="Past">The images whose allocations are missing.</param>
public sealed record TraceNative(long Process, string Mode, string Reach, IReadOnlyList<string> Past)
{
    /// <summary>The mode with C stacks.</summary>
    internal const string StacksMode = "stacks";

    /// <summary>True if all C allocations could be recorded.</summary>
    public bool IsWhole => ReachKind == NativeReach.ByName && Past.Count == 0;

    /// <summary>True if C stacks are recorded.</summary>
    internal bool HasStacks => Mode == StacksMode;

    /// <summary>The meaning of <see cref="Reach"/>.</summary>
    internal NativeReach ReachKind => StoredWords.NativeReach(Reach);
}
