using System.Runtime.InteropServices;
using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The course of a process's memory, stack by stack, up to the moment when its end began.</summary>
internal sealed class ProcessCourse
{
    private readonly TraceDatabase _database;
    private readonly TraceProcess _process;
    private readonly SiteFilter[] _tests;
    private readonly List<CourseChange> _changes = []; // by stack and slice, when all are there
    private readonly Dictionary<int, MemoryAmount> _initial = []; // by stack

    private ProcessCourse(TraceDatabase database, TraceProcess process, IEnumerable<TraceFilter[]> filters)
    {
        _database = database;
        _process = process;
        _tests = [.. filters.Select(list => new SiteFilter(database, list))];
        var live = database.SnapshotOf(process, SnapshotKind.Live);
        var liveNs = live?.AtNs ?? long.MaxValue;
        int[] all = [.. Enumerable.Range(0, database.Slices.Count).Where(i => database.Slices[i].Process == process.Id && database.Slices[i].StartNs <= liveNs)];
        var last = LastThatCounts(all, live);
        Slices = all[..(last + 1)];
        IsBusy = new bool[Slices.Count];
        IsBuilding = new bool[Slices.Count];
        if (Slices.Count == 0)
            return;

        // In the slice in which finalization began, most is freed. What was alive when it began is known.
        var isCut = database.Slices[Slices[^1]].EndNs > liveNs;
        EndNs = isCut ? liveNs : database.Slices[Slices[^1]].EndNs;
        FreedAtEnd = live is null || last == all.Length - 1 ? 0 : Math.Max(0, database.Slices[Slices[^1]].LiveBytes - live.Bytes);
        Read(isCut ? live : null);
    }

    /// <summary>The slices, as indices in <see cref="TraceDatabase.Slices"/>.</summary>
    public IReadOnlyList<int> Slices { get; }

    /// <summary>For each slice whether the program worked, as opposed to waited.</summary>
    public bool[] IsBusy { get; }

    /// <summary>For each slice whether the program did little but allocate what it kept, without a pause.</summary>
    public bool[] IsBuilding { get; }

    /// <summary>The last moment, ns.</summary>
    public long EndNs { get; }

    /// <summary>The bytes that the program freed after that moment and before the interpreter finalized.</summary>
    public long FreedAtEnd { get; }

    /// <summary>The live blocks at the last moment, by site.</summary>
    public SiteTable Alive { get; private set; } = new();

    /// <summary>Reads the course of a process.</summary>
    public static ProcessCourse Read(TraceDatabase database, TraceProcess process, IEnumerable<TraceFilter[]> filters) => new(database, process, filters);

    /// <summary>The changes of each stack, in the order of time.</summary>
    public IEnumerable<(int Stack, Range Changes)> Stacks()
    {
        for (var (begin, end) = (0, 0); begin < _changes.Count; begin = end)
        {
            while (end < _changes.Count && _changes[end].Stack == _changes[begin].Stack)
                end++;

            yield return (_changes[begin].Stack, begin..end);
        }
    }

    /// <summary>Returns the bytes that a stack held before the first slice: those inherited from a parent.</summary>
    public MemoryAmount Initial(int stack) => _initial.GetValueOrDefault(stack);

    public ReadOnlySpan<CourseChange> Changes(Range range) => CollectionsMarshal.AsSpan(_changes)[range];

    /// <summary>
    /// Finds the last slice that counts. A function that returns frees its locals: a main function does so just before the interpreter
    /// finalizes. If much less was live then than shortly before, the course ends before that.
    /// </summary>
    private int LastThatCounts(int[] all, TraceSnapshot? live)
    {
        if (all.Length == 0 || live is null)
            return all.Length - 1;

        var highest = all.Length - 1;
        var bytes = _database.Slices[all[highest]].EndNs > live.AtNs ? live.Bytes : _database.Slices[all[highest]].LiveBytes;
        var least = bytes + (bytes / 3);
        for (var slice = all.Length - 2; slice >= Math.Max(0, all.Length - 1 - Math.Max(5, all.Length / 10)); slice--)
        {
            if (_database.Slices[all[slice]].LiveBytes > Math.Max(bytes, least))
                (highest, bytes) = (slice, _database.Slices[all[slice]].LiveBytes);
        }

        return highest;
    }

    private void Read(TraceSnapshot? live)
    {
        var sites = _database.Sites.Sites;
        var index = _database.IndexOfProcess(_process.Id);
        var alive = new MemoryAmount[sites.Length];
        var isCounted = new bool[sites.Length];
        for (var i = 0; i < sites.Length; i++)
        {
            isCounted[i] = sites[i].Process == index && Passes(sites[i]);
            if (!isCounted[i] || sites[i].Blocks == 0)
                continue;

            alive[i] = new MemoryAmount(sites[i].Bytes, sites[i].Blocks); // inherited
            _initial[sites[i].Stack] = Initial(sites[i].Stack) + alive[i];
        }

        var numbers = Enumerable.Repeat(-1, _database.Slices.Count).ToArray();
        for (var i = 0; i < Slices.Count; i++)
            numbers[Slices[i]] = i;

        var allocated = new MemoryAmount[Slices.Count];
        _database.VisitSlices(change =>
        {
            var slice = numbers[change.Slice];
            if (slice < 0)
                return;

            if (sites[change.Site].Process == index)
                allocated[slice] += change.Allocated;
            if (!isCounted[change.Site])
                return;

            var isCut = live is not null && slice == Slices.Count - 1;
            var difference = isCut ? default : new MemoryAmount(change.Allocated.Bytes - change.Freed.Bytes, change.Allocated.Blocks - change.Freed.Blocks);
            alive[change.Site] += difference;
            _changes.Add(new CourseChange(sites[change.Site].Stack, slice, difference.Bytes, difference.Blocks, change.Allocated.Bytes));
        });
        FindWork(allocated);
        Finish(sites, alive, live);
        _changes.Sort((a, b) => a.Stack != b.Stack ? a.Stack.CompareTo(b.Stack) : a.Slice.CompareTo(b.Slice));
    }

    /// <summary>Stores the live blocks at the end, and the changes of the last slice up to then if the end is within it.</summary>
    private void Finish(Site[] sites, MemoryAmount[] alive, TraceSnapshot? live)
    {
        var difference = new Dictionary<int, MemoryAmount>();
        for (var i = 0; i < sites.Length; i++)
        {
            if (alive[i] == default)
                continue;

            if (live is null)
                Alive.Add(sites[i] with { Bytes = alive[i].Bytes, Blocks = alive[i].Blocks });
            else
                difference[sites[i].Stack] = difference.GetValueOrDefault(sites[i].Stack) + new MemoryAmount(-alive[i].Bytes, -alive[i].Blocks);
        }

        if (live is null)
            return;

        foreach (var part in _database.ReadLiveSites([live]))
        {
            foreach (ref readonly var site in part.Sites)
            {
                if (!Passes(site))
                    continue;

                Alive.Add(site);
                difference[site.Stack] = difference.GetValueOrDefault(site.Stack) + new MemoryAmount(site.Bytes, site.Blocks);
            }
        }

        foreach (var (stack, amount) in difference)
            _changes.Add(new CourseChange(stack, Slices.Count - 1, amount.Bytes, amount.Blocks, 0));
    }

    private bool Passes(in Site site)
    {
        foreach (var test in _tests)
        {
            if (!test.Passes(site))
                return false;
        }

        return true;
    }

    /// <summary>A program that waits may tick: less than a hundredth of the mean is no work.</summary>
    private void FindWork(MemoryAmount[] allocated)
    {
        const long BuildingBlocksPerMs = 100; // CPython makes ten times as many and more, when it does nothing else
        var total = allocated.Sum(each => (double)each.Blocks);
        for (var i = 0; i < allocated.Length; i++)
        {
            var slice = _database.Slices[Slices[i]];
            var grown = slice.LiveBytes - (i == 0 ? 0 : _database.Slices[Slices[i - 1]].LiveBytes);
            IsBusy[i] = allocated[i].Blocks > 0 && allocated[i].Blocks * (double)allocated.Length * 100 >= total;
            IsBuilding[i] = allocated[i].Blocks >= BuildingBlocksPerMs * (slice.EndNs - slice.StartNs) / 1_000_000 && 2 * grown >= allocated[i].Bytes;
        }
    }
}
