namespace AllocTrace.Storage;

/// <summary>A frame of the C stack of the thread that crashed.</summary>
/// <param name="Path">The executable or library, or a name such as <c>[vdso]</c>; empty for code that was made at run time, or no code.</param>
/// <param name="Offset">The offset in the file, in bytes; without a path, the address.</param>
/// <param name="Function">The symbol; empty if unknown.</param>
public sealed record CrashedCFrame(string Path, long Offset, string Function)
{
    /// <summary>
    /// For a loop of the interpreter, the number of Python frames of the thread that it runs, with all inside of them; 0 for another
    /// function, <see langword="null"/> in recordings of older versions.
    /// </summary>
    public long? PythonFrames { get; init; }
}
