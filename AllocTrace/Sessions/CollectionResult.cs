namespace AllocTrace.Sessions;

/// <summary>The result of collecting.</summary>
/// <param name="DatabasePath">The path of the database; <see langword="null"/> if there was nothing to write.</param>
/// <param name="Processes">The number of processes in the database.</param>
/// <param name="Running">
/// The ids of processes that were still running. The database has their allocations up to then, and their sessions stay.
/// </param>
/// <param name="Problems">The problems with single sessions, one line each. Their files stay.</param>
/// <param name="HasDamage">True if a file is damaged, or is no session at all.</param>
public sealed record CollectionResult(
    string? DatabasePath, int Processes, IReadOnlyList<uint> Running, IReadOnlyList<string> Problems, bool HasDamage);
