using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Export;

/// <summary>
/// <c>export --format tracemalloc</c>: writes a file that <c>tracemalloc.Snapshot.load</c> reads (CPython 3.9 and later), with a trace for
/// each block. A recording does not distinguish blocks of one site: their sizes are the average, rounded so that the sum is right.
/// </summary>
internal sealed class TracemallocExport
{
    private readonly TraceDatabase _database;
    private readonly PickleWriter _pickle;
    private readonly Dictionary<int, uint> _filenames = [];
    private readonly Dictionary<(int Filename, int Line), uint> _frames = [];
    private readonly Dictionary<int, uint> _stacks = [];

    private TracemallocExport(TraceDatabase database, Stream target)
    {
        _database = database;
        _pickle = new PickleWriter(target);
    }

    public static void Write(Snapshot snapshot, Stream target)
    {
        var export = new TracemallocExport(snapshot.Database, target);
        using var pickle = export._pickle;
        pickle.NewObject("tracemalloc", "Snapshot");
        pickle.BeginDictionary();
        pickle.Text("traces");
        pickle.NewObject("tracemalloc", "_Traces");
        pickle.BeginDictionary();
        pickle.Text("_traces");
        pickle.BeginList();
        var limit = 1;
        foreach (var part in snapshot.Parts)
        {
            for (var i = 0; i < part.Count; i++)
                limit = Math.Max(limit, export.Traces(part.Sites[i]));
        }

        pickle.EndList();
        pickle.EndState();
        pickle.Text("traceback_limit");
        pickle.Integer(limit);
        pickle.EndState();
    }

    /// <returns>The number of frames.</returns>
    private int Traces(Site site)
    {
        var depth = Math.Max(1, PythonDepth(site.Stack));
        var (size, larger) = Math.DivRem(site.Bytes, site.Blocks);
        foreach (var (blocks, bytes) in new[] { (larger, size + 1), (site.Blocks - larger, size) })
        {
            if (blocks == 0)
                continue;

            var trace = Trace(site, bytes, depth);
            for (var i = 1L; i < blocks; i++)
                _pickle.Recall(trace);
        }

        return depth;
    }

    private uint Trace(Site site, long bytes, int depth)
    {
        _pickle.BeginTuple();
        _pickle.Integer(_database.Domains[site.Domain].Number);
        _pickle.Integer(bytes);
        Frames(site.Stack);
        _pickle.Integer(depth);
        return _pickle.EndTuple();
    }

    // tracemalloc knows no C frames.
    private bool IsNative(int stack) => _database.Stacks.Codes[_database.Stacks.Code[stack]].IsNative;

    private int PythonDepth(int stack)
    {
        var depth = 0;
        for (; stack != 0; stack = _database.Stacks.Caller[stack])
            depth += IsNative(stack) ? 0 : 1;

        return depth;
    }

    private void Frames(int stack)
    {
        if (_stacks.TryGetValue(stack, out var known))
        {
            _pickle.Recall(known);
            return;
        }

        _pickle.BeginTuple();
        if (PythonDepth(stack) == 0)
            Frame(-1, 0);
        for (var at = stack; at != 0; at = _database.Stacks.Caller[at])
        {
            if (!IsNative(at))
                Frame(_database.Stacks.Codes[_database.Stacks.Code[at]].Filename, _database.Stacks.Line[at]);
        }

        _stacks.Add(stack, _pickle.EndTuple());
    }

    private void Frame(int filename, int line)
    {
        if (_frames.TryGetValue((filename, line), out var known))
        {
            _pickle.Recall(known);
            return;
        }

        _pickle.BeginTuple();
        if (_filenames.TryGetValue(filename, out var text))
            _pickle.Recall(text);
        else
            _filenames.Add(filename, _pickle.RememberedText(filename < 0 ? "<unknown>" : _database.Stacks.Codes.Text(filename))); // as tracemalloc says it

        _pickle.Integer(line);
        _frames.Add((filename, line), _pickle.EndTuple());
    }
}
