using System.Runtime.InteropServices;
using System.Text;

using AllocTrace.Wire;

namespace AllocTrace.Memory;

/// <summary>Reads the account of mappings that a process wrote into its session (<c>enum alloctrace_memory_item</c>), and checks it.</summary>
internal static class MemoryMapReader
{
    /// <summary>The largest number of pages, a terabyte, so that a damaged account does not keep the collector busy.</summary>
    private const long MostPages = 1 << 28;

    /// <summary>Reads one.</summary>
    /// <param name="session">The session.</param>
    /// <param name="first">The number of its first word.</param>
    /// <exception cref="InvalidTraceException">There is none, or it is damaged.</exception>
    public static MemoryHead Read(SessionFile session, ulong first)
    {
        var items = new Items(session, first);
        var begin = items.Next();
        if (begin.Kind != ItemKind.Begin || begin.Words.Length < 2)
            throw items.Damaged();

        var map = new MemoryMap { MonoNs = begin.Words[0] };
        var pages = 0L;
        while (true)
        {
            var item = items.Next();
            if (item.Kind == ItemKind.End)
            {
                map.Missing = (MemoryMissing)(item.Flags & 15);
                return new MemoryHead(map, (MemoryOccasion)begin.Flags, (uint)begin.Words[1]);
            }

            if (!TryAdd(map, item) || (pages += PagesOf(map, item)) > MostPages)
                throw items.Damaged();
        }
    }

    private static long PagesOf(MemoryMap map, Item item) => item.Kind == ItemKind.Pages ? map.Mappings[^1].Pages!.Sum(run => (long)run.Pages) : 0;

    private static bool TryAdd(MemoryMap map, Item item)
    {
        var words = item.Words;
        switch (item.Kind)
        {
            case ItemKind.Mapping:
                return words.Length >= 5 && TryAddMapping(map, item);

            case ItemKind.Pages:
                return map.Mappings is [.., var mapping] && TryAddPages(mapping, words);

            case ItemKind.Own:
                for (var i = 0; i + 1 < words.Length; i += 2)
                    map.Own.Add((words[i], words[i + 1]));

                return true;

            case ItemKind.Stacks:
                for (var i = 0; i + 1 < words.Length; i += 2)
                    map.Stacks.Add((words[i], words[i + 1]));

                return true;

            case ItemKind.Heap:
                return words.Length == 4 && TryAddHeap(map, words, isMain: item.Flags != 0);

            case ItemKind.Used:
                if (map.Heaps is not [.., var heap])
                    return false;

                heap.Used = MemoryMarshal.Cast<ulong, ushort>(words).ToArray();
                return true;

            default:
                return false;
        }
    }

    private static bool TryAddMapping(MemoryMap map, Item item)
    {
        var words = item.Words;
        var (start, end, resident, huge) = (words[0], words[1], words[2], words[3]);
        var last = map.Mappings is [.., var before] ? before.End : 0;
        if (start < last || end <= start || end >= 1UL << 56 || (start | end) % MemoryMap.PageBytes != 0 || resident > end - start || huge > resident)
            return false;

        var name = MemoryMarshal.AsBytes(words.AsSpan(4));
        map.Mappings.Add(new MappedRange(start, end, (long)resident, (long)huge, Encoding.UTF8.GetString(name[..Math.Max(0, name.IndexOf((byte)0))]))
        {
            IsWritable = (item.Flags & 1) != 0,
            IsShared = (item.Flags & 2) != 0,
            IsGuarded = (item.Flags & 4) != 0,
        });
        return true;
    }

    private static bool TryAddPages(MappedRange mapping, ulong[] words)
    {
        const int shift = 28;
        const ulong maybe = 1UL << 27;
        var runs = new List<PageRun>(words.Length);
        var least = mapping.Start / MemoryMap.PageBytes;
        foreach (var word in words)
        {
            var run = new PageRun(word >> shift, word & (maybe - 1), (word & maybe) != 0);
            if (run.Page < least || run.Pages == 0 || run.End > mapping.End / MemoryMap.PageBytes)
                return false;

            least = run.End;
            runs.Add(run);
        }

        mapping.Pages = runs;
        return true;
    }

    private static bool TryAddHeap(MemoryMap map, ulong[] words, bool isMain)
    {
        var heap = new HeapRange(words[0], words[1], words[2], words[3], isMain);
        var last = map.Heaps is [.., var before] ? before.End : 0;
        if (heap.Start < last || heap.End <= heap.Start || heap.Top > heap.End || heap.WalkedEnd > heap.End || heap.End >= 1UL << 56)
            return false;

        map.Heaps.Add(heap);
        return true;
    }

    private enum ItemKind : byte
    {
        Begin = 1,
        Mapping = 2,
        Pages = 3,
        Own = 4,
        Stacks = 5,
        Heap = 6,
        Used = 7,
        End = 8,
    }

    private readonly record struct Item(ItemKind Kind, uint Flags, ulong[] Words);

    private sealed class Items(SessionFile session, ulong first)
    {
        private readonly ulong _first = first;
        private ulong _at = first;

        public Item Next()
        {
            var head = Word();
            var words = new ulong[Math.Min(head >> 32 & 0xFFFFFF, session.MemoryWordCount)];
            for (var i = 0; i < words.Length; i++)
                words[i] = Word();

            return new Item((ItemKind)(head >> 56), (uint)head, words);
        }

        public InvalidTraceException Damaged() => session.Damaged($"the account of resident memory at word {_first} is impossible");

        private ulong Word() => _at < session.MemoryWordCount ? session.MemoryWord(_at++) : throw Damaged();
    }
}

/// <summary>A map with what it was made for.</summary>
/// <param name="Map">The mappings.</param>
/// <param name="Occasion">The reason for which the process wrote it.</param>
/// <param name="Name">The string of the session with the snapshot's name; 0 if there is none.</param>
internal sealed record MemoryHead(MemoryMap Map, MemoryOccasion Occasion, uint Name);

/// <summary><c>enum alloctrace_memory_occasion</c>.</summary>
internal enum MemoryOccasion
{
    Finalizing = 1,
    Snapshot = 2,
}
