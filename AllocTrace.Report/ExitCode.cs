namespace AllocTrace.Report;

/// <summary>What the command tells its caller.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int InvalidTrace = 3;
    public const int ThresholdExceeded = 4;

    /// <summary>A threshold was asked for, and there is too little to judge by: nothing was recorded, or a part is missing.</summary>
    public const int NothingMeasured = 5;
}
