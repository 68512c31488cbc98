using System.IO.MemoryMappedFiles;

using AllocTrace.Objects;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>The blocks and objects of a program, as native/object_log.c recorded them.</summary>
internal sealed unsafe class ObjectLog
{
    private const byte Allocated = 1, Freed = 2, Created = 3;

    private ObjectLog(ImageBlock[] blocks, HashSet<ulong>? objects, HashSet<ulong> traced) => (Blocks, Objects, Traced) = (blocks, objects, traced);

    /// <summary>The live blocks. A block's site is 1 when it was allocated after object tracing began, else 0.</summary>
    public ImageBlock[] Blocks { get; }

    /// <summary>The objects that lived, by PyRefTracer; <see langword="null"/> when it was not set.</summary>
    public HashSet<ulong>? Objects { get; }

    /// <summary>The addresses of blocks that were allocated after object tracing began.</summary>
    public HashSet<ulong> Traced { get; }

    public long Bytes => Blocks.Sum(block => block.Bytes);

    /// <summary>Replays a log.</summary>
    public static ObjectLog Read(string path)
    {
        using var file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        using var view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            return Replay((ulong*)start + 2, *(long*)start);
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    private static ObjectLog Replay(ulong* line, long count)
    {
        var live = new Dictionary<ulong, ImageBlock>();
        HashSet<ulong>? objects = null;
        for (; count > 0; count--, line += 2)
        {
            var (address, kind, domain) = (line[0] & 0xffff_ffff_ffff, (byte)(line[0] >> 48), (byte)(line[0] >> 56));
            switch (kind)
            {
                case Allocated:
                    live[address] = new ImageBlock(address, (long)line[1], domain, objects is null ? 0 : 1);
                    break;
                case Freed:
                    // Some frees pass the tracer; what is in a freed block is dead.
                    if (live.Remove(address, out var block) && objects is not null)
                    {
                        for (var at = 0UL; at <= 32 && (long)at < block.Bytes; at += 16)
                            objects.Remove(address + at);
                    }

                    break;
                case Created:
                    (objects ??= []).Add(address);
                    break;
                default:
                    objects?.Remove(address);
                    break;
            }
        }

        var blocks = live.Values.ToArray();
        Array.Sort(blocks, (one, other) => one.Address.CompareTo(other.Address));
        return new ObjectLog(blocks, objects, [.. blocks.Where(block => block.Site == 1).Select(block => block.Address)]);
    }
}
