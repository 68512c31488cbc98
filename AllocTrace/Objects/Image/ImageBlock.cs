using System.Runtime.InteropServices;

namespace AllocTrace.Objects;

/// <summary>A block that was live at the moment of an image. There are millions of them, so site and domain share a word.</summary>
[StructLayout(LayoutKind.Sequential, Pack = sizeof(uint))]
internal readonly record struct ImageBlock
{
    /// <summary>The domain in which CPython allocates objects.</summary>
    public const byte ObjectDomain = 2;

    private const int DomainBits = 4;

    private readonly uint _siteAndDomain;

    /// <param name="address">The address of the block.</param>
    /// <param name="bytes">The bytes that were asked for.</param>
    /// <param name="domain">The domain as records have it, below 16: 0 raw, 1 mem, 2 obj, other numbers an extension's.</param>
    /// <param name="site">A number of the caller's, below 2^28, by which blocks are summed.</param>
    public ImageBlock(ulong address, long bytes, byte domain, int site) =>
        (Address, Bytes, _siteAndDomain) = (address, bytes, (uint)site << DomainBits | domain & (1u << DomainBits) - 1);

    public ulong Address { get; }

    public long Bytes { get; }

    public byte Domain => (byte)(_siteAndDomain & (1 << DomainBits) - 1);

    public int Site => (int)(_siteAndDomain >> DomainBits);
}
