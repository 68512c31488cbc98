using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The errors of estimates from a sample, as variances, which add up over sites as the samples are independent.</summary>
/// <param name="Bytes">In bytes, squared.</param>
/// <param name="Blocks">In blocks, squared.</param>
internal readonly record struct Variance(double Bytes, double Blocks)
{
    /// <summary>Standard deviations on both sides within which the true value is in 95 of 100 cases.</summary>
    private const double Deviations = 1.96;

    /// <summary>Half the width of the interval, bytes; 0 when every allocation was recorded.</summary>
    public long BytesError => (long)Math.Ceiling(Deviations * Math.Sqrt(Bytes));

    /// <summary>Half the width of the interval, blocks.</summary>
    public long BlocksError => (long)Math.Ceiling(Deviations * Math.Sqrt(Blocks));

    /// <summary>Both errors; nothing when every allocation was recorded.</summary>
    public MemoryAmount Error => new(BytesError, BlocksError);

    /// <summary>
    /// Returns the largest error of a sum or a difference of two estimates with these errors. Two snapshots of a recording are not
    /// independent, but blocks that are live at both make their difference smaller, not larger.
    /// </summary>
    public static long ErrorOf(long a, long b) => (long)Math.Ceiling(Math.Sqrt(((double)a * a) + ((double)b * b)));

    public static Variance operator +(Variance a, Variance b) => new(a.Bytes + b.Bytes, a.Blocks + b.Blocks);

    /// <summary>
    /// Returns the variance of a site's amount. A block of <c>s</c> bytes is chosen with probability <c>p = 1 - exp(-s / interval)</c> and
    /// then stands for <c>1 / p</c>: the variance of a sum over such blocks is the sum of <c>(1 - p) / p</c>, by bytes times <c>s</c>
    /// squared. The blocks of a site are taken to be of its mean size (docs/sampling.md).
    /// </summary>
    public static Variance Of(in Site site, TraceProcess process) => Of(new MemoryAmount(site.Bytes, site.Blocks), process);

    /// <summary>Returns the variance of an amount of one site.</summary>
    public static Variance Of(MemoryAmount amount, TraceProcess process)
    {
        if (process.SampleBytes == 0 || amount.Blocks <= 0)
            return default;

        var mean = Math.Max(1, (double)amount.Bytes / amount.Blocks);
        var perBlock = 1 / double.ExpM1(mean / process.SampleBytes); // (1 - p) / p
        return new Variance(amount.Blocks * mean * mean * perBlock, amount.Blocks * perBlock);
    }
}
