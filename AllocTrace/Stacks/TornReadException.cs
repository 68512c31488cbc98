namespace AllocTrace.Stacks;

/// <summary>Thrown when data read from a running process is inconsistent because the process changed. Reading again may help.</summary>
internal sealed class TornReadException : Exception;
