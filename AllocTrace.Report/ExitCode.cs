namespace AllocTrace.Report;

/// <summary>The exit codes of the command.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int InvalidTrace = 3;
    public const int ThresholdExceeded = 4;

    /// <summary>A threshold was given and cannot be checked: nothing was recorded, or events are missing.</summary>
    public const int NothingMeasured = 5;
}
