namespace AllocTrace.Storage;

/// <summary>A CPython in a process: a row of the table <c>runtime</c>.</summary>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of its process.</param>
/// <param name="Library">The file that it is in; empty for the executable.</param>
/// <param name="Version">What <c>Py_GetVersion()</c> returned.</param>
/// <param name="Found">On what occasion it was found and hooked.</param>
/// <param name="WasInitialized">Whether it was running already, so that what it had allocated before is not known.</param>
/// <param name="HookedNs">When, nanoseconds since the process's recording began.</param>
/// <param name="Stacks"><c>on</c>, or why there are none.</param>
public sealed record TraceRuntime(long Process, string Library, string Version, RuntimeFound Found, bool WasInitialized, long HookedNs, string Stacks)
{
    /// <summary>True if its allocations were recorded with Python stacks.</summary>
    public bool HasStacks => Stacks == StoredWords.StacksOn;
}
