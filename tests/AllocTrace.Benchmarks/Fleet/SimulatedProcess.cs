using AllocTrace.Storage;
using AllocTrace.Testing;

namespace AllocTrace.Benchmarks.Fleet;

/// <summary>
/// A session of a process that repeats a recorded one without end: it has the stacks of its sites, each as busy as in the recording. The
/// process cannot be seen, and lives as long as this object.
/// </summary>
internal sealed class SimulatedProcess
{
    private const int Alive = 1000;
    private const ulong FirstAddress = 4096, AddressStep = 1024, LastAddress = FirstAddress + (Alive * AddressStep);

    private readonly SessionBuilder _session;
    private readonly BuiltThread _thread;
    private readonly (uint Node, long Weight, long Bytes)[] _sites;
    private readonly Queue<ulong> _alive = new();
    private readonly Random _random;
    private readonly long _weights;
    private ulong _next = FirstAddress;

    /// <param name="path">The session's file.</param>
    /// <param name="number">The number that distinguishes it from the others.</param>
    /// <param name="recorded">The recording of the process.</param>
    /// <param name="sites">The sites of the process to simulate.</param>
    public SimulatedProcess(string path, int number, TraceDatabase recorded, IReadOnlyList<SiteCounters> sites)
    {
        _random = new Random(number);
        _session = new SessionBuilder(path, 4 << 20);
        _session.Set32(24, 4_000_000 + (uint)number);
        _session.Set64(1024, 0);
        _session.Set32(88, _session.AddString($"python3\0/srv/worker-{number % 10}.py\0"));
        _thread = _session.AddThread();
        var (nodes, codes) = (new Dictionary<int, uint> { [0] = 0 }, new Dictionary<int, uint>());
        _sites =
        [
            .. sites.Select(site => (NodeOf(site.Stack), Math.Max(1, site.Allocated.Blocks), Math.Max(1, site.Allocated.Bytes / Math.Max(1, site.Allocated.Blocks)))),
        ];
        _weights = _sites.Sum(site => site.Weight);

        uint NodeOf(int stack)
        {
            if (nodes.TryGetValue(stack, out var node))
                return node;

            var (caller, code) = (NodeOf(recorded.Stacks.Caller[stack]), recorded.Stacks.Code[stack]);
            if (!codes.TryGetValue(code, out var its))
            {
                var entry = recorded.Stacks.Codes[code];
                codes.Add(code, its = _session.AddCode(recorded.Stacks.Codes.Text(entry.Filename), recorded.Stacks.Codes.Text(entry.Function), null, (uint)entry.FirstLine));
            }

            return nodes[stack] = _session.AddNode(caller, its, (uint)recorded.Stacks.Line[stack]);
        }
    }

    /// <summary>Allocates, and frees blocks that are older than the last ones.</summary>
    public void Run(int calls)
    {
        for (var i = 0; i < calls; i++)
        {
            _session.NowNs += 1_000;
            var (node, _, bytes) = Pick();
            _thread.Malloc(2, _next, (ulong)bytes, node);
            _alive.Enqueue(_next);
            _next = _next == LastAddress ? FirstAddress : _next + AddressStep; // the one that was freed first is free by then
            if (_alive.Count > Alive)
                _thread.Free(2, _alive.Dequeue());
        }
    }

    /// <summary>Ends the process.</summary>
    public void End()
    {
        _session.End();
        _session.Dispose();
    }

    private (uint Node, long Weight, long Bytes) Pick()
    {
        var left = _random.NextInt64(_weights);
        foreach (var site in _sites)
        {
            if ((left -= site.Weight) < 0)
                return site;
        }

        return _sites[^1];
    }
}
