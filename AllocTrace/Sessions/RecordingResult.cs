namespace AllocTrace.Sessions;

/// <summary>The result of a recording.</summary>
/// <param name="ExitCode">The command's exit code, or 128 plus the number of the signal that ended it.</param>
/// <param name="DatabasePath">The path of the database; <see langword="null"/> if nothing was recorded.</param>
/// <param name="Processes">The number of processes in the database.</param>
/// <param name="Running">The ids of processes that were still running. The database has their allocations up to then.</param>
/// <param name="Problems">The problems with single sessions, one line each.</param>
public sealed record RecordingResult(
    int ExitCode, string? DatabasePath, int Processes, IReadOnlyList<uint> Running, IReadOnlyList<string> Problems);
