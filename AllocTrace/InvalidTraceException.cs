namespace AllocTrace;

/// <summary>
/// Reports that a file is not a recording, has a schema of another version, or is damaged. The message is one line and names the file.
/// </summary>
public sealed class InvalidTraceException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="path">The path of the file, as the caller gave it.</param>
    /// <param name="reason">The fault, as a clause without a full stop.</param>
    /// <param name="innerException">The exception that revealed the fault, or <see langword="null"/>.</param>
    public InvalidTraceException(string path, string reason, Exception? innerException = null)
        : base($"{path}: {reason}", innerException) => Path = path;

    /// <summary>The path of the file, as the caller gave it.</summary>
    public string Path { get; }
}
