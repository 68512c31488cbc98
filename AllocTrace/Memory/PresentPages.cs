namespace AllocTrace.Memory;

/// <summary>The resident pages of a mapping, in ascending order and as many as the system counts.</summary>
internal sealed class PresentPages
{
    private const ulong Page = MemoryMap.PageBytes;

    private readonly IReadOnlyList<PageRun> _runs;
    private int _run;

    /// <summary>Pages of zeros to leave out: more pages are present than count as resident.</summary>
    private long _zeros;

    public PresentPages(MappedRange mapping)
    {
        _runs = mapping.Pages ?? [];
        Left = mapping.Resident;
        _zeros = Math.Max(0, _runs.Sum(run => (long)run.Pages) - mapping.Resident / (long)Page);
    }

    /// <summary>Resident bytes that were not in a page yet.</summary>
    public long Left { get; private set; }

    /// <summary>The addresses of the pages in an area. Areas are asked for in ascending order.</summary>
    public IEnumerable<ulong> In(Area area)
    {
        while (_run < _runs.Count && _runs[_run].End * Page <= area.Start)
            _run++;

        for (var run = _run; run < _runs.Count && _runs[run].Page * Page < area.End; run++)
        {
            var end = Math.Min(_runs[run].End, area.End / Page);
            for (var page = Math.Max(_runs[run].Page, area.Start / Page); page < end && Left >= (long)Page; page++)
            {
                if (_runs[run].IsMaybe && _zeros > 0)
                {
                    _zeros--;
                    continue;
                }

                Left -= (long)Page;
                yield return page * Page;
            }
        }
    }
}
