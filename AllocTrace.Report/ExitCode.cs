namespace AllocTrace.Report;

/// <summary>What the command tells its caller.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int InvalidTrace = 3;
    public const int ThresholdExceeded = 4;
}
