using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The errors of estimates from a sample, as variances, which add up over sites as the samples are independent.</summary>
/// <param name="Size">In bytes, squared.</param>
/// <param name="Count">In blocks, squared.</param>
internal readonly record struct Variance(double Size, double Count)
{
    /// <summary>Standard deviations on both sides within which the true value is in 95 of 100 cases.</summary>
    private const double Deviations = 1.96;

    /// <summary>Half the width of the interval, bytes; 0 when every allocation was recorded.</summary>
    public long SizeError => (long)Math.Ceiling(Deviations * Math.Sqrt(Size));

    /// <summary>Half the width of the interval, blocks.</summary>
    public long CountError => (long)Math.Ceiling(Deviations * Math.Sqrt(Count));

    /// <summary>Both errors; nothing when every allocation was recorded.</summary>
    public Amount Error => new(SizeError, CountError);

    /// <summary>
    /// Of a sum or a difference of estimates that are off by so much at most, each. Of one recording's moments they are not independent, but what is alive
    /// at both makes their difference smaller, not larger: then this is the most.
    /// </summary>
    public static long ErrorOf(long a, long b) => (long)Math.Ceiling(Math.Sqrt(((double)a * a) + ((double)b * b)));

    public static Variance operator +(Variance a, Variance b) => new(a.Size + b.Size, a.Count + b.Count);

    /// <summary>
    /// Of what a site comes to. A block of <c>s</c> bytes is chosen with probability <c>p = 1 - exp(-s / interval)</c> and then stands for
    /// <c>1 / p</c>: the variance of a sum over such blocks is the sum of <c>(1 - p) / p</c>, by bytes times <c>s</c> squared. The blocks of a
    /// site are taken to be of its mean size (docs/sampling.md).
    /// </summary>
    public static Variance Of(in Site site, TraceProcess process) => Of(new Amount(site.Bytes, site.Blocks), process);

    /// <summary>The same of an amount of one site.</summary>
    public static Variance Of(Amount amount, TraceProcess process)
    {
        if (process.SampleBytes == 0 || amount.Count <= 0)
            return default;

        var size = Math.Max(1, (double)amount.Size / amount.Count);
        var perBlock = 1 / double.ExpM1(size / process.SampleBytes); // (1 - p) / p
        return new Variance(amount.Count * size * size * perBlock, amount.Count * perBlock);
    }
}
