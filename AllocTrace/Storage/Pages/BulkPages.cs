using System.Buffers.Binary;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Storage.Pages;

/// <summary>Appends the pages of large tables to a database that SQLite has written and closed, in which these tables are empty.</summary>
/// <param name="database">The file, open for reading and writing; not owned.</param>
internal sealed class BulkPages(SafeFileHandle database)
{
    /// <summary>SQLite locks bytes from here on and never uses the page that they are in.</summary>
    private const long LockedByte = 0x4000_0000;

    private const uint LockedPage = (uint)(LockedByte / TreePage.Size) + 1;
    private const int PageCountOffset = 28, PageSizeOffset = 16, PageBytes = 4;

    private readonly byte[] _page = new byte[PageBytes];
    private uint _end;

    /// <summary>Appends tables.</summary>
    /// <param name="spool">Has their full leaves.</param>
    /// <param name="tables">The tables, each with the number of its root page.</param>
    /// <exception cref="IOException">There is no room, or the database is not as SQLite makes it.</exception>
    public void Append(PageSpool spool, IEnumerable<(BulkTable Table, uint Root)> tables)
    {
        var length = RandomAccess.GetLength(database);
        Span<byte> size = stackalloc byte[2];
        RandomAccess.Read(database, size, PageSizeOffset);
        if (BinaryPrimitives.ReadUInt16BigEndian(size) != TreePage.Size || length % TreePage.Size != 0)
            throw new IOException($"a database of {length} bytes does not consist of pages of {TreePage.Size} bytes");

        _end = (uint)(length / TreePage.Size);
        var leaves = new uint[spool.Count];
        var next = 0;
        spool.Read(pages => next += Append(pages.Span, leaves.AsSpan(next)));
        foreach (var (table, root) in tables)
            Append(table, root, leaves);

        BinaryPrimitives.WriteUInt32BigEndian(_page, _end);
        PageFile.Write(database, _page, PageCountOffset);
    }

    private void Append(BulkTable table, uint root, uint[] leaves)
    {
        if (table.Leaves.Count == 0)
        {
            Write(root, table.Open());
            return;
        }

        List<uint> pages = [.. table.Leaves.Select(leaf => leaves[leaf]), Append(table.Open())];
        var dividers = table.Dividers;
        var page = TreePage.Interior(table.IsIndex);
        while (!TryFill(page, pages, dividers))
            (pages, dividers) = AppendLevel(page, pages, dividers);

        Write(root, page.Complete(pages[^1]));
    }

    /// <summary>Fills one page with everything, if there is room: that is the root.</summary>
    private static bool TryFill(TreePage page, List<uint> pages, IReadOnlyList<byte[]> dividers)
    {
        page.Clear();
        for (var i = 0; i < dividers.Count; i++)
        {
            if (!page.TryAdd(Cell(pages[i], dividers[i])))
                return false;
        }

        return true;
    }

    /// <summary>Appends pages that lead to the given ones, each to two or more.</summary>
    /// <returns>The new pages and what stands between them.</returns>
    private (List<uint> Pages, List<byte[]> Dividers) AppendLevel(TreePage page, List<uint> pages, IReadOnlyList<byte[]> dividers)
    {
        List<uint> above = [];
        List<byte[]> between = [];
        page.Clear();
        for (var i = 0; i < dividers.Count; i++)
        {
            var cell = Cell(pages[i], dividers[i]);
            if (page.TryAdd(cell))
                continue;

            // What does not fit goes up. The last page must keep a cell, so that the one before it gives its last up instead.
            var isLast = i == dividers.Count - 1;
            if (isLast)
                page.RemoveLast();

            var up = isLast ? i - 1 : i;
            above.Add(Append(page.Complete(pages[up])));
            between.Add(dividers[up]);
            page.Clear();
            if (isLast)
                page.TryAdd(cell);
        }

        above.Add(Append(page.Complete(pages[^1])));
        return (above, between);
    }

    private static byte[] Cell(uint page, byte[] divider)
    {
        var cell = new byte[PageBytes + divider.Length];
        BinaryPrimitives.WriteUInt32BigEndian(cell, page);
        divider.CopyTo(cell, PageBytes);
        return cell;
    }

    private uint Append(ReadOnlySpan<byte> page)
    {
        Span<uint> number = [0];
        Append(page, number);
        return number[0];
    }

    /// <summary>Appends pages one behind the other.</summary>
    /// <param name="pages">Their bytes.</param>
    /// <param name="numbers">Gets their numbers.</param>
    /// <returns>How many there were.</returns>
    private int Append(ReadOnlySpan<byte> pages, Span<uint> numbers)
    {
        var done = 0;
        while (pages.Length > 0)
        {
            if (_end + 1 == LockedPage)
                _end++; // a hole

            var room = _end < LockedPage ? LockedPage - 1 - _end : uint.MaxValue;
            var count = (int)Math.Min(room, (uint)(pages.Length / TreePage.Size));
            Write(_end + 1, pages[..(count * TreePage.Size)]);
            for (var i = 0; i < count; i++)
                numbers[done++] = ++_end;

            pages = pages[(count * TreePage.Size)..];
        }

        return done;
    }

    private void Write(uint page, ReadOnlySpan<byte> bytes) => PageFile.Write(database, bytes, (long)(page - 1) * TreePage.Size);
}
