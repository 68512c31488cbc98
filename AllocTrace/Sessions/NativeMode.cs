namespace AllocTrace.Sessions;

/// <summary>What is recorded of allocations that do not come by <c>PyMem_*</c> (option <c>native</c>).</summary>
public enum NativeMode
{
    /// <summary>Nothing.</summary>
    Off = 0,

    /// <summary>The calls of malloc's and mmap's families, with their Python stacks: domains <c>malloc</c> and <c>mmap</c>.</summary>
    Malloc = 1,

    /// <summary>The same, with C stacks.</summary>
    Stacks = 2,
}
