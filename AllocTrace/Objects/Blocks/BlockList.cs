namespace AllocTrace.Objects;

/// <summary>
/// The live blocks of an image in columns, 16 bytes a block. Addresses lie by themselves, as searches compare nothing else. Filled by <see cref="Add"/>, then
/// brought into ascending order by <see cref="Sort"/>.
/// </summary>
/// <param name="capacity">The most blocks that are added.</param>
internal sealed class BlockList(int capacity) : IDisposable
{
    private const int DomainBits = 4;

    /// <summary>The size of a block that is in <see cref="_large"/>.</summary>
    private const uint Large = uint.MaxValue;

    private readonly Column<ulong> _addresses = new(capacity);
    private readonly Column<uint> _bytes = new(capacity), _sites = new(capacity);

    /// <summary>The bytes of blocks from 4 GiB on, by the number of the block.</summary>
    private readonly Dictionary<int, long> _large = [];

    /// <summary>Returns a list of blocks that are in ascending order already.</summary>
    public static BlockList Of(ReadOnlySpan<ImageBlock> blocks)
    {
        var list = new BlockList(blocks.Length);
        foreach (var block in blocks)
            list.Add(block.Address, block.Bytes, block.Domain, block.Site);

        return list;
    }

    public int Length { get; private set; }

    public ImageBlock this[int block] => new(_addresses[block], BytesOf(block), DomainOf(block), SiteOf(block));

    public ulong AddressOf(int block) => _addresses[block];

    public long BytesOf(int block) => _bytes[block] is var bytes && bytes != Large ? bytes : _large[block];

    public byte DomainOf(int block) => (byte)(_sites[block] & (1 << DomainBits) - 1);

    public int SiteOf(int block) => (int)(_sites[block] >> DomainBits);

    /// <summary>Appends a block.</summary>
    /// <inheritdoc cref="ImageBlock(ulong, long, byte, int)"/>
    public void Add(ulong address, long bytes, byte domain, int site)
    {
        if (bytes >= Large)
            _large.Add(Length, bytes);

        _addresses[Length] = address;
        _bytes[Length] = (uint)Math.Min(bytes, Large);
        _sites[Length++] = (uint)site << DomainBits | domain & (1u << DomainBits) - 1;
    }

    /// <summary>Returns the blocks in ascending order, and disposes of this list if that is another one. Where two domains have one at the same address, the lower domain counts: Python's own.</summary>
    public BlockList Sort()
    {
        var addresses = _addresses.Span[..Length];
        var isAscending = true;
        for (var i = 1; i < addresses.Length && isAscending; i++)
            isAscending = addresses[i - 1] < addresses[i];

        if (isAscending)
            return this;

        using var order = new Column<int>(Length);
        for (var i = 0; i < Length; i++)
            order[i] = i;

        addresses.Sort(order.Span);
        var sorted = new BlockList(Length);
        for (int i = 0, next; i < Length; i = next)
        {
            var best = order[i];
            for (next = i + 1; next < Length && addresses[next] == addresses[i]; next++)
                best = DomainOf(order[next]) < DomainOf(best) ? order[next] : best;

            sorted.Add(addresses[i], BytesOf(best), DomainOf(best), SiteOf(best));
        }

        Dispose();
        return sorted;
    }

    public void Dispose()
    {
        _addresses.Dispose();
        _bytes.Dispose();
        _sites.Dispose();
        Length = 0;
    }
}
