namespace AllocTrace.Attaching;

/// <summary>The time limit for a process to take a request.</summary>
/// <param name="Limit">The longest.</param>
/// <param name="Stop">Ends the waiting early.</param>
internal sealed record AttachDeadline(TimeSpan Limit, CancellationToken Stop)
{
    private readonly long _end = Environment.TickCount64 + (long)Limit.TotalMilliseconds;

    public bool IsOver => Stop.IsCancellationRequested || Environment.TickCount64 >= _end;

    /// <summary>Returns the message for a process that did not take the request in time.</summary>
    public IOException Exception(uint pid) => new(
        Stop.IsCancellationRequested
            ? $"interrupted before process {pid} took the request; nothing was changed"
            : $"process {pid} ran no Python code within {Limit.TotalSeconds} s: it waits, or runs native code or a loop without calls. Nothing was changed. Give it something to do (a request, a line of input) while 'alloctrace attach {pid}' waits, or wait longer with --timeout SECONDS");
}
