using AllocTrace.Sessions;

namespace AllocTrace.Tests;

/// <summary>Feeds courses of live memory, and compares the moments of copies with those that the rule of docs/copies.md gives.</summary>
[TestClass]
public sealed class PeakCopyTests
{
    private const long Mebibyte = 1 << 20;

    [TestMethod]
    public void Each_copy_is_of_a_tenth_more_than_the_one_before()
    {
        var (peaks, copies) = (new PeakCopies(), 0);
        for (long live = 0, now = 0; live < 1000 * Mebibyte; live += Mebibyte / 4, now += 1000)
        {
            if (!peaks.IsDue(live, now))
                continue;

            Assert.IsTrue(peaks.Keep(live, pauseNs: 1_000_000));
            peaks.Rest(now, tookMs: 0);
            copies++;
        }

        Assert.IsInRange(40, 80, copies);
        Assert.IsGreaterThan(1000 * Mebibyte / 1.11, peaks.Level);
    }

    [TestMethod]
    public void Pauses_take_two_percent_of_the_time_at_most()
    {
        var peaks = new PeakCopies();
        peaks.Keep(Mebibyte, pauseNs: 40_000_000);
        peaks.Rest(nowMs: 10_000, tookMs: 0);
        Assert.IsFalse(peaks.IsDue(100 * Mebibyte, 11_999));
        Assert.IsTrue(peaks.IsDue(100 * Mebibyte, 12_000));
    }

    [TestMethod]
    public void Copy_of_less_than_the_last_one_is_not_kept()
    {
        var peaks = new PeakCopies();
        Assert.IsTrue(peaks.Keep(10 * Mebibyte, pauseNs: 0));
        Assert.IsFalse(peaks.Keep(9 * Mebibyte, pauseNs: 0));
        Assert.AreEqual(10 * Mebibyte, peaks.Level);
    }
}
