namespace AllocTrace.Objects;

/// <summary>The memory of one process at one moment. Any address may be asked for; nothing that is read is trusted.</summary>
internal interface IMemoryImage
{
    /// <summary>The readable mappings, in ascending order, from which static data is searched.</summary>
    IReadOnlyList<MemoryRegion> Regions { get; }

    /// <summary>The folder under which the process's files are: <c>/proc/PID/root</c>, or nothing.</summary>
    string FileRoot { get; }

    /// <summary>Fills <paramref name="into"/> with the memory at an address.</summary>
    /// <returns><see langword="false"/> when not all of it is there; the content of <paramref name="into"/> is undefined then.</returns>
    bool TryRead(ulong address, Span<byte> into);
}
