namespace AllocTrace.Storage;

/// <summary>The names of the signals that are reported, as Linux numbers them on x86-64 and ARM.</summary>
internal static class SignalName
{
    public static string Of(uint signal) => signal switch
    {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        11 => "SIGSEGV",
        _ => $"signal {signal}",
    };
}
