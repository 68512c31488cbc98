namespace AllocTrace.Attaching;

/// <summary>A call of alloctrace.h in another process.</summary>
/// <param name="Library">The library.</param>
/// <param name="Path">The database to start; <see langword="null"/>: to stop.</param>
internal sealed record Call(string Library, string? Path)
{
    /// <summary>The size of <c>struct alloctrace_status</c>.</summary>
    public const int StatusBytes = 4136;

    /// <summary>The answer when a recording runs that was not started by the call; no result of alloctrace.h.</summary>
    public const int AlreadyRecording = 77;

    public string Function => Path is null ? "alloctrace_stop" : "alloctrace_start";
}
