namespace AllocTrace.Storage;

/// <summary>The numbers of a process's rows in the table <c>thread</c>: one for each thread and interpreter, in this order.</summary>
internal sealed class ThreadRows
{
    private readonly long _before;
    private readonly List<(int Thread, uint Interpreter)> _rows = [];
    private readonly Dictionary<(int Thread, uint Interpreter), long> _numbers = [];
    private readonly long[] _first;
    private ((int Thread, uint Interpreter) Of, long Number) _last = ((-1, 0), 0); // mostly it is asked for again

    /// <param name="before">The last number that was given away.</param>
    /// <param name="threads">The number of threads.</param>
    /// <param name="seen">
    /// The pairs of a thread and an interpreter whose code it ran, in any order and number. A thread that does not occur gets a row too.
    /// </param>
    public ThreadRows(long before, int threads, IEnumerable<(int Thread, uint Interpreter)> seen)
    {
        _before = before;
        _first = new long[threads];
        var interpreters = Changes(seen).Distinct().ToLookup(row => row.Thread, row => row.Interpreter);
        for (var thread = 0; thread < threads; thread++)
        {
            _first[thread] = before + 1 + _rows.Count;
            foreach (var interpreter in interpreters[thread].DefaultIfEmpty().Order())
            {
                _rows.Add((thread, interpreter));
                _numbers.Add((thread, interpreter), _before + _rows.Count);
            }
        }
    }

    /// <summary>Threads (by index) and interpreters, in the order of their numbers.</summary>
    public IReadOnlyList<(int Thread, uint Interpreter)> All => _rows;

    /// <summary>The row of a thread and an interpreter.</summary>
    public long Of(int thread, uint interpreter)
    {
        if (_last.Of != (thread, interpreter))
            _last = ((thread, interpreter), _numbers[(thread, interpreter)]);

        return _last.Number;
    }

    /// <summary>The first row of a thread.</summary>
    public long First(int thread) => _first[thread];

    private static IEnumerable<(int Thread, uint Interpreter)> Changes(IEnumerable<(int Thread, uint Interpreter)> seen)
    {
        (int Thread, uint Interpreter) last = (-1, 0);
        foreach (var row in seen)
        {
            if (row != last)
                yield return last = row;
        }
    }
}
