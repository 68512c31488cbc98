using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AllocTrace.Objects;

/// <summary>
/// Reports the nodes to which the words of one block refer. The beginning of the block is in a window, and the rest is read in pieces, so a
/// block may be larger than memory. Used by one thread.
/// </summary>
internal sealed unsafe class BlockWords(IMemoryImage image, ReferenceTarget target) : IDisposable
{
    private const int PieceBytes = 1 << 16;

    /// <summary>Lower numbers are no addresses: the kernel maps nothing there (vm.mmap_min_addr).</summary>
    private const ulong LowestAddress = 1 << 16;

    private readonly byte* _piece = (byte*)NativeMemory.Alloc(PieceBytes);
    private byte* _start;
    private long _loaded, _bytes;
    private ulong _address;
    private int[] _found = new int[1024];

    /// <summary>The number of nodes that the block refers to.</summary>
    public int Count { get; private set; }

    /// <summary>The nodes that the block refers to.</summary>
    public ReadOnlySpan<int> Found => _found.AsSpan(0, Count);

    public long Bytes => _bytes;

    /// <summary>Begins with a block.</summary>
    public void Begin(ulong address, long bytes, byte* start, int loaded)
    {
        _start = start;
        (_address, _bytes, _loaded) = (address, bytes, loaded);
        Count = 0;
    }

    /// <summary>Returns the word at an offset in the loaded part; 0 beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Word(long offset) => offset >= 0 && offset + 8 <= _loaded ? Unsafe.ReadUnaligned<ulong>(_start + offset) : 0;

    /// <summary>Returns the bytes at an offset in the loaded part; empty when not all of them are loaded.</summary>
    public ReadOnlySpan<byte> Loaded(long offset, int count) => offset >= 0 && offset + count <= _loaded ? new(_start + offset, count) : default;

    /// <summary>Reports what the word at an offset refers to.</summary>
    public void Refer(long offset) => ReferTo(Word(offset));

    /// <summary>Reports what a word refers to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ReferTo(ulong word)
    {
        if (word >= LowestAddress && target.Find(word) is var node and >= 0)
            Add(node);
    }

    /// <summary>Reports what every word from one offset to another refers to.</summary>
    /// <param name="from">The first offset.</param>
    /// <param name="to">The exclusive end; no more than the block has.</param>
    /// <param name="step">The bytes from one word to the next.</param>
    /// <remarks>Ends where the block cannot be read.</remarks>
    public void ReferAll(long from, long to, int step = 8)
    {
        to = Math.Min(to, _bytes) - 8;
        var at = Math.Max(from, 0);
        for (var near = Math.Min(to, _loaded - 8); at <= near; at += step)
            ReferTo(Unsafe.ReadUnaligned<ulong>(_start + at));

        while (at <= to)
        {
            var length = (int)Math.Min(PieceBytes, to + 8 - at);
            if (!image.TryRead(_address + (ulong)at, new Span<byte>(_piece, length)))
                return;

            for (var inside = 0; inside + 8 <= length; inside += step)
                ReferTo(Unsafe.ReadUnaligned<ulong>(_piece + inside));

            at += (length - 8) / step * (long)step + step;
        }
    }

    /// <summary>Adds references like <see cref="ReferAll"/>, except those of up to four words.</summary>
    public void ReferAllBut(long from, long to, long skip1, long skip2 = long.MaxValue, long skip3 = long.MaxValue, long skip4 = long.MaxValue)
    {
        while (from < to)
        {
            var next = to;
            foreach (var skip in (ReadOnlySpan<long>)[skip1, skip2, skip3, skip4])
            {
                if (skip >= from && skip < next)
                    next = skip;
            }

            ReferAll(from, next);
            from = next + 8;
        }
    }

    /// <summary>Reports a node.</summary>
    public void Add(int node)
    {
        if (Count == _found.Length)
            Array.Resize(ref _found, Count * 2);

        _found[Count++] = node;
    }

    public void Dispose()
    {
        NativeMemory.Free(_piece);
        GC.SuppressFinalize(this);
    }

    ~BlockWords() => NativeMemory.Free(_piece);
}
