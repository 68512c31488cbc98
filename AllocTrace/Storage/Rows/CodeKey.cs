namespace AllocTrace.Storage;

/// <summary>Identifies a code object in a database.</summary>
internal readonly record struct CodeKey(string Filename, string Qualname, uint FirstLine, string Name);
