namespace AllocTrace.Sessions;

/// <summary>The result of collecting.</summary>
/// <param name="DatabasePath">The database; <see langword="null"/> when there was nothing to write.</param>
/// <param name="Processes">How many processes are in it.</param>
/// <param name="Running">Processes that were still running: what they did until then is in the database, and their sessions stay.</param>
/// <param name="Problems">What went wrong with single sessions, a line each. Their files stay.</param>
/// <param name="HasDamage">Whether a problem is that a file is damaged, or no session at all.</param>
public sealed record CollectionResult(
    string? DatabasePath, int Processes, IReadOnlyList<uint> Running, IReadOnlyList<string> Problems, bool HasDamage);
