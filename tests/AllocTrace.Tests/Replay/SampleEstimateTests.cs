using AllocTrace.Replay;

namespace AllocTrace.Tests.Replay;

/// <summary>Tests the estimates for sampled blocks. Seeds are fixed, so the results are the same each time.</summary>
[TestClass]
public sealed class SampleEstimateTests
{
    [TestMethod]
    [DataRow(16UL, 4096UL)]
    [DataRow(500UL, 4096UL)]
    [DataRow(4096UL, 4096UL)]
    [DataRow(9000UL, 4096UL)]
    [DataRow(100_000UL, 4096UL)]
    public void Sampled_blocks_stand_for_all_of_them(ulong size, ulong interval)
    {
        const int blocks = 1_000_000;
        var random = new Random(7);
        var estimate = new SampleEstimate(interval);
        var chance = 1 - Math.Exp(-(double)size / interval);
        long bytes = 0, count = 0;
        for (var i = 0; i < blocks; i++)
        {
            if (random.NextDouble() >= chance)
                continue;

            var block = estimate.Of((ulong)random.NextInt64(1L << 47) & ~15UL, size);
            bytes += block.Bytes;
            count += block.Blocks;
        }

        // Five standard deviations of the sampling, and of rounding to whole blocks.
        var error = 5 * Math.Sqrt(blocks * ((1 - chance) / chance + 0.25));
        Assert.AreEqual(blocks, count, error);
        Assert.AreEqual(blocks * (double)size, bytes, error * size);
    }

    [TestMethod]
    public void A_block_takes_away_what_it_added()
    {
        var estimate = new SampleEstimate(1000);
        for (var address = 0x7F00_0000_0000UL; address < 0x7F00_0000_4000; address += 16)
            Assert.AreEqual(estimate.Of(address, 700), estimate.Of(address, 700));
    }
}
