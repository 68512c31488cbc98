namespace AllocTrace.Objects;

/// <summary>The line that allocated a block, for a heap snapshot.</summary>
/// <param name="Function">The name of the function.</param>
/// <param name="File">The path of its file.</param>
/// <param name="Line">The line; 0 when it is not known.</param>
internal readonly record struct SnapshotSite(string Function, string File, int Line);
