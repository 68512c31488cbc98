namespace AllocTrace.Stacks;

/// <summary>What was read of a running process does not fit together: it changed meanwhile. Reading again may help.</summary>
internal sealed class TornReadException : Exception;
