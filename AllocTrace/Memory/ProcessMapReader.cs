using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;

namespace AllocTrace.Memory;

/// <summary>
/// Reads the mappings of a process that runs on meanwhile: /proc/PID/smaps, /proc/PID/pagemap, and its heaps by process_vm_readv. It is not stopped, so
/// what is read last may be some milliseconds younger than what is read first.
/// </summary>
internal static unsafe class ProcessMapReader
{
    private const int OwnMappings = 1024, EntriesAtOnce = 1 << 15;

    // Documentation/admin-guide/mm/pagemap.rst of Linux.
    private const ulong Present = 1UL << 63, OfFile = 1UL << 61, Exclusive = 1UL << 56;

    /// <summary>Reads them.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="ownMappings">The address of the list in which its library keeps its own mappings; 0 if unknown.</param>
    /// <param name="stacks">See <see cref="MemoryMap.Stacks"/>.</param>
    /// <returns><see langword="null"/>: the process has ended, or may not be looked at.</returns>
    public static MemoryMap? Read(uint pid, ulong ownMappings, IEnumerable<(ulong Stack, ulong Descriptor)> stacks)
    {
        var map = new MemoryMap();
        try
        {
            foreach (var mapping in Mappings(File.ReadLines($"/proc/{pid}/smaps")))
            {
                if (mapping.Resident > 0)
                    map.Mappings.Add(mapping);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }

        if (map.Mappings.Count == 0)
            return null; // a zombie

        ReadPages(pid, map);
        map.Stacks.AddRange(stacks);
        ReadOwn(pid, ownMappings, map);
        new HeapWalk(pid, map).Run();
        return map;
    }

    /// <summary>The mappings of smaps, as proc_pid_smaps(5) describes it.</summary>
    internal static IEnumerable<MappedRange> Mappings(IEnumerable<string> lines)
    {
        MappedRange? mapping = null;
        var guardEnd = 0UL;
        foreach (var line in lines)
        {
            if (line.Length > 0 && char.IsAsciiLetterUpper(line[0]))
            {
                if (mapping is not null && line.StartsWith("Rss:", StringComparison.Ordinal))
                    mapping = mapping with { Resident = Kibibytes(line.AsSpan(4)) };
                else if (mapping is not null && line.StartsWith("AnonHugePages:", StringComparison.Ordinal))
                    mapping = mapping with { Huge = Kibibytes(line.AsSpan(14)) };

                continue;
            }

            if (mapping is not null)
                yield return mapping;

            mapping = Parse(line, ref guardEnd);
        }

        if (mapping is not null)
            yield return mapping;
    }

    private static MappedRange Parse(string line, ref ulong guardEnd)
    {
        var dash = line.IndexOf('-');
        var blank = line.IndexOf(' ');
        var start = ulong.Parse(line.AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var end = ulong.Parse(line.AsSpan(dash + 1, blank - dash - 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var access = line.AsSpan(blank + 1, 4);
        var name = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries) is [_, _, _, _, _, var rest] ? rest : "";
        var isGuarded = start == guardEnd;
        if (access.StartsWith("--"))
            guardEnd = end;

        return new MappedRange(start, end, 0, 0, name) { IsWritable = access[1] == 'w', IsShared = access[3] != 'p', IsGuarded = isGuarded };
    }

    private static long Kibibytes(ReadOnlySpan<char> text)
    {
        text = text.Trim();
        return long.Parse(text[..text.IndexOf(' ')], CultureInfo.InvariantCulture) << 10;
    }

    private static void ReadPages(uint pid, MemoryMap map)
    {
        if ((ulong)Environment.SystemPageSize != MemoryMap.PageBytes)
        {
            map.Missing |= MemoryMissing.Pages;
            return;
        }

        var entries = ArrayPool<ulong>.Shared.Rent(EntriesAtOnce);
        try
        {
            using var pagemap = File.OpenHandle($"/proc/{pid}/pagemap");
            foreach (var mapping in map.Mappings.Where(mapping => mapping.IsData && !mapping.IsSparse))
                mapping.Pages = Runs(mapping, (page, count) => RandomAccess.Read(pagemap, MemoryMarshal.AsBytes(entries.AsSpan(0, count)), (long)page * sizeof(ulong)) / sizeof(ulong), entries);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            map.Missing |= MemoryMissing.Pages;
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(entries);
        }
    }

    private static List<PageRun> Runs(MappedRange mapping, Func<ulong, int, int> read, ulong[] entries)
    {
        var runs = new List<PageRun>();
        var end = mapping.End / MemoryMap.PageBytes;
        for (var page = mapping.Start / MemoryMap.PageBytes; page < end;)
        {
            var got = read(page, (int)Math.Min(end - page, EntriesAtOnce));
            if (got <= 0)
                break;

            for (var i = 0; i < got; i++)
            {
                if ((entries[i] & Present) == 0)
                    continue;

                var run = new PageRun(page + (ulong)i, 1, (entries[i] & (OfFile | Exclusive)) == 0);
                if (runs is [.., var last] && last.End == run.Page && last.IsMaybe == run.IsMaybe)
                    runs[^1] = last with { Pages = last.Pages + 1 };
                else
                    runs.Add(run);
            }

            page += (ulong)got;
        }

        return runs;
    }

    private static void ReadOwn(uint pid, ulong address, MemoryMap map)
    {
        var own = new (ulong Address, ulong Bytes)[OwnMappings];
        if (address != 0 && TryRead(pid, address, MemoryMarshal.AsBytes(own.AsSpan())))
            map.Own.AddRange(own.Where(mapping => mapping.Address != 0 && mapping.Bytes != 0));
    }

    /// <summary>Copies memory of a process.</summary>
    /// <returns>True if all of it is there and may be read.</returns>
    public static bool TryRead(uint pid, ulong address, Span<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            var (to, from) = (new LibC.IoVector { Address = (ulong)start, Length = (ulong)bytes.Length }, new LibC.IoVector { Address = address, Length = (ulong)bytes.Length });
            return LibC.ReadProcess((int)pid, &to, 1, &from, 1, 0) == bytes.Length;
        }
    }
}
