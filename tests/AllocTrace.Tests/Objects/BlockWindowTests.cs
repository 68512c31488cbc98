using AllocTrace.Objects;

namespace AllocTrace.Tests;

/// <summary>The window is compared with the bytes that the image makes up for each address, also where damaged recordings have their blocks.</summary>
[TestClass]
public sealed unsafe class BlockWindowTests
{
    [TestMethod]
    [DataRow(0x1000UL, 0x1000UL, 0x1400UL, 0x9000UL, 0x109000UL)]
    [DataRow(0x1000UL, 0x1010UL, 0x1020UL, 0x1030UL, 0xffff_ffff_ffff_ff00UL)]
    [DataRow(0xffff_ffff_ffff_f000UL, 0xffff_ffff_ffff_f800UL, 0xffff_ffff_ffff_fff0UL, 0xffff_ffff_ffff_fff8UL, ulong.MaxValue)]
    [DataRow(0UL, 1UL, 0x7fff_ffff_ffff_ffffUL, 0x8000_0000_0000_0000UL, 0xffff_ffff_ffff_0000UL)]
    public void Prefix_is_the_memory_of_the_block(ulong first, ulong second, ulong third, ulong fourth, ulong fifth)
    {
        foreach (var bytes in new long[] { 1, 64, 4096, BlockWindow.PrefixBytes, 1 << 20, long.MaxValue })
        {
            var blocks = new[] { first, second, third, fourth, fifth }.Select(address => new ImageBlock(address, bytes, ImageBlock.ObjectDomain, 0)).ToArray();
            using var list = BlockList.Of(blocks);
            using var window = new BlockWindow(new CountingImage(), list);
            for (var i = 0; i < blocks.Length; i++)
            {
                var prefix = window.Prefix(i, out var length);
                Assert.AreEqual(Math.Min(bytes, BlockWindow.PrefixBytes), length);
                if (blocks[i].Address > ulong.MaxValue - (ulong)length)
                {
                    Assert.IsTrue(prefix == null, "no memory ends beyond the highest address");
                    continue;
                }

                Assert.IsTrue(prefix != null);
                for (var at = 0; at < length; at++)
                    Assert.AreEqual(CountingImage.At(blocks[i].Address + (ulong)at), prefix[at]);
            }
        }
    }

    /// <summary>Has every address, with a byte that tells addresses apart.</summary>
    private sealed class CountingImage : IMemoryImage
    {
        public IReadOnlyList<MemoryRegion> Regions => [];

        public string FileRoot => "/nowhere";

        public static byte At(ulong address) => (byte)(address * 0x9e3779b97f4a7c15 >> 56);

        public bool TryRead(ulong address, Span<byte> into)
        {
            if (address > ulong.MaxValue - (ulong)into.Length)
                return false;

            for (var i = 0; i < into.Length; i++)
                into[i] = At(address + (ulong)i);

            return true;
        }
    }
}
