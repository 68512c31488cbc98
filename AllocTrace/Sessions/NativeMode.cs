namespace AllocTrace.Sessions;

/// <summary>The allocations of C code that are recorded beside those of <c>PyMem_*</c> (option <c>native</c>).</summary>
public enum NativeMode
{
    /// <summary>None.</summary>
    Off = 0,

    /// <summary>The calls of malloc's and mmap's families, with their Python stacks: domains <c>malloc</c> and <c>mmap</c>.</summary>
    Malloc = 1,

    /// <summary>The calls of <see cref="Malloc"/>, and C stacks for all allocations.</summary>
    Stacks = 2,
}
