namespace AllocTrace.Report;

/// <summary>The words of the command line do not fit together; the message says which, in one line.</summary>
internal sealed class UsageException(string message) : Exception(message);
