namespace AllocTrace.Replay;

/// <summary>
/// Estimates what a recorded block stands for when only some are (docs/sampling.md). A block of <c>s</c> bytes was chosen with probability
/// <c>p = 1 - exp(-s / interval)</c>, so it stands for <c>1 / p</c> blocks of its size: the estimator of Horvitz and Thompson.
/// </summary>
/// <param name="interval">Mean bytes from one chosen byte to the next.</param>
internal sealed class SampleEstimate(ulong interval)
{
    /// <summary>Bytes and blocks, as whole numbers, that a block stands for. The same for the same block each time.</summary>
    /// <remarks>
    /// 1 / p is rounded up as often as its fraction says. What decides is the address, spread over all numbers, so that the free of a block
    /// takes away what its allocation added.
    /// </remarks>
    public (long Bytes, long Blocks) Of(ulong address, ulong size)
    {
        var weight = 1 / -double.ExpM1(-(double)Math.Max(size, 1) / interval);
        var whole = Math.Floor(weight);
        var chance = (double)(unchecked((address >> 4) * 0x9E37_79B9_7F4A_7C15) >> 11) / (1L << 53);
        return ((long)Math.Round(size * weight), (long)whole + (chance < weight - whole ? 1 : 0));
    }
}
