using System.Runtime.InteropServices;

namespace AllocTrace.Objects;

/// <summary>
/// The memory of a process that is held, copied into this process while it is held, so that it can be let go before its objects are looked at. What it
/// cannot write is read later, from the process itself.
/// </summary>
internal sealed unsafe class CollectedImage : IMemoryImage, IDisposable
{
    private const int PageBytes = 4096;

    /// <summary>Bits of an entry of <c>/proc/PID/pagemap</c>: the page is in memory, or swapped out (proc_pid_pagemap(5)).</summary>
    private const ulong PresentOrSwapped = 3UL << 62;

    private readonly ProcessImage _process;
    private readonly Dictionary<MemoryRegion, nint> _copies = [];
    private readonly MemoryRegion[] _regions;

    /// <summary>Copies the memory that the process may write and shares with no other.</summary>
    /// <param name="pid">A process that is held.</param>
    /// <exception cref="IOException">Its memory cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The system does not allow it.</exception>
    public CollectedImage(uint pid)
    {
        _process = new ProcessImage((int)pid);
        _regions = [.. _process.Regions];
        using var pages = File.OpenHandle($"/proc/{pid}/pagemap");
        foreach (var region in _regions.Where(region => region.IsWritable && !region.IsShared))
        {
            var memory = (byte*)NativeMemory.AllocZeroed((nuint)(region.End - region.Start));
            _copies.Add(region, (nint)memory);
            CopyPresent(pages, region, memory);
        }
    }

    public IReadOnlyList<MemoryRegion> Regions => _regions;

    public string FileRoot => _process.FileRoot;

    public bool TryRead(ulong address, Span<byte> into)
    {
        if (Find(address) is not { } region || !_copies.TryGetValue(region, out var memory))
            return _process.TryRead(address, into);

        if ((ulong)into.Length > region.End - address)
            return false;

        new ReadOnlySpan<byte>((byte*)memory + (address - region.Start), into.Length).CopyTo(into);
        return true;
    }

    public void Dispose()
    {
        foreach (var memory in _copies.Values)
            NativeMemory.Free((void*)memory);

        _copies.Clear();
    }

    private MemoryRegion? Find(ulong address)
    {
        var (low, high) = (0, _regions.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (address < _regions[middle].Start)
                high = middle - 1;
            else if (address >= _regions[middle].End)
                low = middle + 1;
            else
                return _regions[middle];
        }

        return null;
    }

    private void CopyPresent(Microsoft.Win32.SafeHandles.SafeFileHandle pagemap, MemoryRegion region, byte* memory)
    {
        var entries = new ulong[8192];
        for (var at = region.Start; at < region.End;)
        {
            var count = (int)Math.Min((ulong)entries.Length, (region.End - at) / PageBytes);
            var read = RandomAccess.Read(pagemap, MemoryMarshal.AsBytes(entries.AsSpan(0, count)), (long)(at / PageBytes * sizeof(ulong))) / sizeof(ulong);
            for (var first = 0; first < count;)
            {
                var end = first;
                while (end < count && (end >= read || (entries[end] & PresentOrSwapped) != 0))
                    end++;

                if (end > first)
                {
                    var from = at + ((ulong)first * PageBytes);
                    _process.TryRead(from, new Span<byte>(memory + (from - region.Start), (end - first) * PageBytes));
                }

                first = end + 1;
            }

            at += (ulong)count * PageBytes;
        }
    }
}
