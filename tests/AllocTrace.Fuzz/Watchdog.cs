namespace AllocTrace.Fuzz;

/// <summary>Ends the process if an input takes too long: the supervisor has the input.</summary>
internal sealed class Watchdog : IDisposable
{
    private readonly Timer _timer;
    private long _begun;

    public Watchdog(TimeSpan most) => _timer = new Timer(
        _ =>
        {
            if (Environment.TickCount64 - Volatile.Read(ref _begun) > most.TotalMilliseconds)
                Environment.FailFast($"an input took more than {most.TotalSeconds} seconds");
        },
        null,
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(1));

    public void Begin() => Volatile.Write(ref _begun, Environment.TickCount64);

    public void Dispose() => _timer.Dispose();
}
