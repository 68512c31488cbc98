namespace AllocTrace.Sessions;

/// <summary>Reports that a command could not be started. The message is one line.</summary>
public sealed class CommandNotStartedException : Exception
{
    private const int NotFound = 127, NotExecutable = 126;

    internal CommandNotStartedException(string command, int error)
        : base(Describe(command, error)) => ExitCode = IsMissing(error) ? NotFound : NotExecutable;

    /// <summary>The exit code of a shell in this case: 127 if there is no such command, 126 if it cannot be executed.</summary>
    public int ExitCode { get; }

    private static bool IsMissing(int error) => error is LibC.ENoEnt or LibC.ENotDir;

    private static string Describe(string command, int error) =>
        IsMissing(error) ? $"{command}: no such command" : $"{command}: cannot be executed: {LibC.Describe(error)}";
}
