namespace AllocTrace.Attaching;

/// <summary>A call of alloctrace.h in another process.</summary>
/// <param name="Library">The library.</param>
/// <param name="Path">The database to start; <see langword="null"/>: to stop.</param>
/// <param name="Options">The options to start with, as in <c>ALLOCTRACE_OPTIONS</c>.</param>
internal sealed record RemoteCall(string Library, string? Path, string Options = "")
{
    /// <summary>The size of <c>struct alloctrace_status</c>.</summary>
    public const int StatusBytes = 4136;

    /// <summary>Its results of alloctrace.h.</summary>
    public const int Done = 0, NotRunning = -2;

    /// <summary>Results of ours, none of alloctrace.h: a recording runs already; the library could not be loaded.</summary>
    public const int AlreadyRecording = 77, NotLoaded = -99;

    /// <summary>Without waiting for the database: the process continues meanwhile.</summary>
    public string Function => Path is null ? "alloctrace_stop_async" : "alloctrace_start";
}
