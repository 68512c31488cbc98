namespace AllocTrace.Attaching;

/// <summary>How long a process is waited for.</summary>
/// <param name="Limit">The longest.</param>
/// <param name="Stop">Ends the waiting early.</param>
internal sealed record Patience(TimeSpan Limit, CancellationToken Stop)
{
    private readonly long _end = Environment.TickCount64 + (long)Limit.TotalMilliseconds;

    public bool IsOver => Stop.IsCancellationRequested || Environment.TickCount64 >= _end;

    /// <summary>What is said of a process that was waited for in vain.</summary>
    public IOException Exception(uint pid) => new(
        Stop.IsCancellationRequested
            ? $"interrupted before process {pid} could be told; nothing was changed"
            : $"process {pid} ran no Python code within {Limit.TotalSeconds} s: it waits, or runs native code or a loop that calls nothing; nothing was changed. Give it something to do (a request, a line of input) while 'alloctrace attach {pid}' waits, or wait longer with --timeout SECONDS");
}
