namespace AllocTrace.Storage;

/// <summary>A frame of the C stack of the thread that crashed.</summary>
/// <param name="Path">The executable or library, or a name such as <c>[vdso]</c>; empty: code that was made at run time, or no code at all.</param>
/// <param name="Offset">Where in the file, bytes; without a path: the address.</param>
/// <param name="Function">The symbol; empty: not known.</param>
public sealed record CrashedCFrame(string Path, long Offset, string Function);
