namespace AllocTrace.Storage;

/// <summary>What tells code objects apart in a database.</summary>
internal readonly record struct CodeKey(string Filename, string Qualname, uint FirstLine, string Name);
