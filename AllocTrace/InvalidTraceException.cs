namespace AllocTrace;

/// <summary>A file is not a trace, is one of another version, or is damaged. The message is one line and names the file.</summary>
public sealed class InvalidTraceException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="path">The file as the caller named it.</param>
    /// <param name="reason">What is wrong with it: a clause without a full stop.</param>
    /// <param name="innerException">What was noticed first, if anything.</param>
    public InvalidTraceException(string path, string reason, Exception? innerException = null)
        : base($"{path}: {reason}", innerException) => Path = path;

    /// <summary>The file as the caller named it.</summary>
    public string Path { get; }
}
