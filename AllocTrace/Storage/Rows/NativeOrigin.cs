namespace AllocTrace.Storage;

/// <summary>The place that makes a code a C function.</summary>
/// <param name="Image">Its file, as the process named it; empty for code that was made at run time.</param>
/// <param name="BuildId">The file's GNU build id in base 16; empty if it has none.</param>
/// <param name="Address">The address of the function, as its file counts addresses; without a file, the address in memory.</param>
/// <param name="IsNamed">True if the name is a symbol.</param>
internal readonly record struct NativeOrigin(string Image, string BuildId, ulong Address, bool IsNamed);
