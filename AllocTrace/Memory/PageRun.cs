namespace AllocTrace.Memory;

/// <summary>Pages that follow each other and are present in a process's page table.</summary>
/// <param name="Page">The number of the first: its address divided by <see cref="MemoryMap.PageBytes"/>.</param>
/// <param name="Pages">The number of pages.</param>
/// <param name="IsMaybe">True if they may be the kernel's one page of zeros, which is no resident memory.</param>
internal readonly record struct PageRun(ulong Page, ulong Pages, bool IsMaybe)
{
    public ulong End => Page + Pages;
}
