namespace AllocTrace.Stacks;

/// <summary>
/// Reads what a process has mapped of its images. It is read there and not in the files: a file may be gone, replaced, or another one in the
/// process's container. Pages are kept, because a search in a table comes to the same ones again.
/// </summary>
internal sealed class CodePages(ProcessMemory memory)
{
    private const int Page = 4096;

    private readonly Dictionary<ulong, byte[]?> _pages = [];

    /// <exception cref="DamagedTableException">There is no such memory.</exception>
    public byte[] Read(ulong address, int count)
    {
        var bytes = new byte[count];
        for (var done = 0; done < count;)
        {
            var at = address + (ulong)done;
            var page = PageAt(at / Page) ?? throw new DamagedTableException();
            var part = page.AsSpan((int)(at % Page));
            part = part[..Math.Min(part.Length, count - done)];
            part.CopyTo(bytes.AsSpan(done));
            done += part.Length;
        }

        return bytes;
    }

    private byte[]? PageAt(ulong number)
    {
        if (!_pages.TryGetValue(number, out var page))
        {
            page = new byte[Page];
            _pages.Add(number, page = memory.TryRead(number * Page, page) ? page : null);
        }

        return page;
    }
}
