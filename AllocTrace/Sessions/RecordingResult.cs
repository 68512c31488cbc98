namespace AllocTrace.Sessions;

/// <summary>The result of a recording.</summary>
/// <param name="ExitCode">The command's exit code, or 128 plus the number of the signal that ended it.</param>
/// <param name="DatabasePath">The database; <see langword="null"/> when nothing was recorded.</param>
/// <param name="Processes">How many processes are in it.</param>
/// <param name="Running">Processes that were still running: what they did until then is in the database.</param>
/// <param name="Problems">What went wrong with single sessions, a line each.</param>
public sealed record RecordingResult(
    int ExitCode, string? DatabasePath, int Processes, IReadOnlyList<uint> Running, IReadOnlyList<string> Problems);
