namespace AllocTrace.Analysis;

/// <summary>
/// Distinguishes growth that continues from growth that has ended, by the course of a site. The part that a site never frees is, at each
/// time, the least amount that it holds from then on; a leak makes this part grow again and again.
/// </summary>
/// <remarks>
/// Time is counted in slices in which the program worked, so that pauses do not matter. A place kept growing when what it keeps
/// grew over at least three slices and a tenth of the time worked (<see cref="IsSpread"/>); grew after the first fifth of the time worked since it began
/// to grow (imports, tables and caches have then been filled), and not in one go (<see cref="IsBuilt"/>); grew by at least twice what it gave back at once (queues and batches do give back); and
/// did not go on allocating just as much without growing (a bounded cache). docs/leaks.md has the rule for users.
/// </remarks>
/// <param name="busy">The slices in which the program worked.</param>
/// <param name="building">The slices in which it did nothing but allocate what it kept.</param>
internal sealed class GrowthRule(bool[] busy, bool[] building)
{
    private const int WarmUpShare = 5, SpreadShare = 10, LeastSlices = 3, LeastRepetitions = 10;

    private readonly long[] _kept = new long[busy.Length];
    private readonly int[] _clock = new int[busy.Length]; // slices worked, up to the end of each

    /// <summary>Finds since when a place kept growing.</summary>
    /// <param name="course">Its course.</param>
    /// <param name="isOnce">True for code that runs once, such as that of an import: only growth up to the end counts.</param>
    /// <returns>The slice at whose end the growth began, -1 for the beginning; or <see langword="null"/> when it did not keep growing.</returns>
    public int? Find(Course course, bool isOnce)
    {
        Fill(course);
        for (var from = -1; _kept[^1] > Kept(from, course);)
        {
            var total = _kept[^1] - Kept(from, course);
            int begin = Reached(from, course, total / 20), end = Reached(from, course, total - (total / 20));
            if (!IsSpread(begin, end) || IsBuilt(begin, end))
            {
                from = end; // once; what came later may be a leak
                continue;
            }

            if (isOnce && !IsSteady(begin, end))
                return null;

            // Growth during the warm-up counts if as much followed in proportion to time. Otherwise only the rest is judged.
            var warm = WarmUpEnd(begin);
            if (4 * (_kept[^1] - _kept[warm]) < total)
            {
                from = warm;
                continue;
            }

            return total >= 2 * LargestDrop(course, from + 1) && !IsFull(course, begin, end, total) ? from : null;
        }

        return null;
    }

    /// <summary>Returns the bytes that the place never freed of those that it held at the end of a slice of the last course.</summary>
    public long Kept(int slice, Course course) => slice < 0 ? Math.Min(course.Initial.Bytes, _kept[0]) : _kept[slice];

    private void Fill(Course course)
    {
        _kept[^1] = course.Live[^1];
        for (var slice = _kept.Length - 2; slice >= 0; slice--)
            _kept[slice] = Math.Min(course.Live[slice], _kept[slice + 1]);

        for (var (slice, worked) = (0, 0); slice < _clock.Length; slice++)
            _clock[slice] = worked += busy[slice] || _kept[slice] > Kept(slice - 1, course) ? 1 : 0;
    }

    /// <summary>The first slice after <paramref name="from"/> at whose end more than so much growth is kept.</summary>
    private int Reached(int from, Course course, long growth)
    {
        var slice = from + 1;
        while (_kept[slice] - Kept(from, course) <= growth && slice < _kept.Length - 1)
            slice++;

        return slice;
    }

    private int Worked(int after, int until) => _clock[until] - (after < 0 ? 0 : _clock[after]);

    private bool IsSpread(int begin, int end) => Worked(begin - 1, end) >= Math.Max(LeastSlices, _clock[^1] / SpreadShare);

    /// <summary>Returns whether all was made in one go, which took less than a quarter of the time since: a table.</summary>
    private bool IsBuilt(int begin, int end)
    {
        for (var slice = begin; slice <= end; slice++)
        {
            if (!building[slice] && slice > begin && slice < end)
                return false;
        }

        return 4 * (end - begin + 1) <= _kept.Length - begin;
    }

    private bool IsSteady(int begin, int end)
    {
        var repetitions = 0;
        for (var slice = begin + 1; slice < _kept.Length; slice++)
            repetitions += _kept[slice] > _kept[slice - 1] ? 1 : 0;

        return repetitions >= LeastRepetitions && 10 * Worked(begin - 1, end) >= 9 * Worked(begin - 1, _kept.Length - 1);
    }

    private int WarmUpEnd(int begin)
    {
        var length = (Worked(begin - 1, _kept.Length - 1) + WarmUpShare - 1) / WarmUpShare;
        var slice = begin;
        while (Worked(begin - 1, slice) < length)
            slice++;

        return slice;
    }

    private long LargestDrop(Course course, int first)
    {
        var largest = 0L;
        for (var slice = first; slice < _kept.Length; slice++)
            largest = Math.Max(largest, course.Live[slice] - _kept[slice]);

        return largest;
    }

    /// <summary>Returns true if the site stopped growing early and continued to allocate: its new blocks replace freed ones.</summary>
    private bool IsFull(Course course, int begin, int end, long total)
    {
        var allocated = 0L;
        for (var slice = end + 1; slice < _kept.Length; slice++)
            allocated += course.Allocated[slice];

        return 5 * Worked(begin - 1, end) < 2 * Worked(begin - 1, _kept.Length - 1) && 2 * allocated >= total;
    }
}
