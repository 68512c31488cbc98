using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace AllocTrace.Events;

/// <summary>
/// Events in columns, as a block of the log has them (docs/schema.md): lengths, runs, tags, addresses, and for allocations sizes and stacks; all of
/// it compressed (zlib). A tag is the <see cref="Wire.RecordKind"/> in the upper half of the byte, the domain's number in the lower.
/// </summary>
/// <param name="Runs">Events that follow each other in one thread at one time.</param>
/// <param name="Tags">The kinds of the calls.</param>
/// <param name="Addresses">The addresses of the blocks.</param>
/// <param name="Bytes">Bytes of each allocation, in their order.</param>
/// <param name="Stacks">Likewise, the number of the stack.</param>
internal readonly record struct EventBlock(
    ReadOnlyMemory<EventRun> Runs, ReadOnlyMemory<byte> Tags, ReadOnlyMemory<ulong> Addresses, ReadOnlyMemory<ulong> Bytes, ReadOnlyMemory<uint> Stacks)
{
    /// <summary>The number of events that complete a block; those of one slab may come on top.</summary>
    public const int Events = 1 << 16;

    /// <summary>No block has more.</summary>
    public const int MostEvents = Events + (Wire.WireFormat.SlabBytes / sizeof(ulong));

    private const int HeadBytes = 3 * sizeof(int);

    /// <summary>Writes the block.</summary>
    public byte[] Compress()
    {
        var target = new MemoryStream();
        using (var zlib = new ZLibStream(target, CompressionLevel.Fastest, leaveOpen: true))
        {
            Span<byte> head = stackalloc byte[HeadBytes];
            BinaryPrimitives.WriteInt32LittleEndian(head, Runs.Length);
            BinaryPrimitives.WriteInt32LittleEndian(head[4..], Tags.Length);
            BinaryPrimitives.WriteInt32LittleEndian(head[8..], Bytes.Length);
            zlib.Write(head);
            zlib.Write(MemoryMarshal.AsBytes(Runs.Span));
            zlib.Write(Tags.Span);
            zlib.Write(MemoryMarshal.AsBytes(Addresses.Span));
            zlib.Write(MemoryMarshal.AsBytes(Bytes.Span));
            zlib.Write(MemoryMarshal.AsBytes(Stacks.Span));
        }

        return target.ToArray();
    }

    /// <summary>Reads a block. Uses at most the memory of the largest block, even for damaged bytes.</summary>
    /// <exception cref="InvalidDataException">It is not one.</exception>
    public static EventBlock Decompress(byte[] content)
    {
        using var zlib = new ZLibStream(new MemoryStream(content), CompressionMode.Decompress);
        try
        {
            Span<byte> head = stackalloc byte[HeadBytes];
            zlib.ReadExactly(head);
            var (runs, events, allocations) =
                (BinaryPrimitives.ReadInt32LittleEndian(head), BinaryPrimitives.ReadInt32LittleEndian(head[4..]), BinaryPrimitives.ReadInt32LittleEndian(head[8..]));
            if (events is < 0 or > MostEvents || runs < 0 || runs > events || allocations < 0 || allocations > events)
                throw new InvalidDataException($"it announces {events} events in {runs} runs, {allocations} of them allocations");

            var block = new EventBlock(Read<EventRun>(zlib, runs), Read<byte>(zlib, events), Read<ulong>(zlib, events), Read<ulong>(zlib, allocations), Read<uint>(zlib, allocations));
            return zlib.ReadByte() < 0 ? block : throw new InvalidDataException("it is longer than what it announces");
        }
        catch (EndOfStreamException)
        {
            throw new InvalidDataException("it is shorter than what it announces");
        }
    }

    private static T[] Read<T>(Stream stream, int count)
        where T : unmanaged
    {
        var values = new T[count];
        stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}

/// <summary>Events that follow each other in one thread at one time, in a block.</summary>
/// <param name="TimeNs">Since the process's recording began.</param>
/// <param name="Thread">The thread's number in the process.</param>
/// <param name="Count">The number of calls.</param>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct EventRun(long TimeNs, int Thread, int Count);
