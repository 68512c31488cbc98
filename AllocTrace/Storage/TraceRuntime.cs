namespace AllocTrace.Storage;

/// <summary>A CPython in a process: a row of the table <c>runtime</c>.</summary>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of the process.</param>
/// <param name="Library">The path of the library that contains it; empty if it is the executable.</param>
/// <param name="Version">The result of <c>Py_GetVersion()</c>.</param>
/// <param name="Found">The occasion on which it was found and hooked.</param>
/// <param name="WasInitialized">True if it was already initialized: blocks from before are unknown.</param>
/// <param name="HookedNs">The time at which it was hooked, in nanoseconds since the recording of the process began.</param>
/// <param name="Stacks"><c>on</c>, or the reason for which there are no Python stacks.</param>
public sealed record TraceRuntime(long Process, string Library, string Version, RuntimeFound Found, bool WasInitialized, long HookedNs, string Stacks)
{
    /// <summary>True if its allocations were recorded with Python stacks.</summary>
    public bool HasStacks => Stacks == StoredWords.StacksOn;
}
