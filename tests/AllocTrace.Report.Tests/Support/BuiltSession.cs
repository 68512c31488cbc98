using AllocTrace.Platform;
using AllocTrace.Testing;

namespace AllocTrace.Report.Tests.Support;

/// <summary>
/// The session of a program that allocates and frees at random in two threads, three domains and a few nested stacks. All sums of its
/// recording are those of its records. Its process does not exist, or cannot be seen.
/// </summary>
internal sealed class BuiltSession : IDisposable
{
    private static readonly string[] _lines = [":0", "/srv/app.py:40", "/srv/app.py:22", "/srv/app.py:24", "/srv/load.py:7", "/srv/load.py:9"];

    private readonly SessionBuilder _session;
    private readonly BuiltThread[] _threads;
    private readonly uint[] _stacks;
    private readonly Random _random;
    private readonly List<(int Domain, ulong Address, long Size, string Line)> _alive = [];
    private readonly Stack<ulong> _free = [];
    private ulong _next = 4096;
    private bool _isDisposed;

    /// <param name="path">The session's file.</param>
    /// <param name="seed">The seed of its calls.</param>
    /// <param name="pid">The pid; the default is above the system's highest.</param>
    /// <param name="capacity">The largest size of the file, in bytes.</param>
    /// <param name="ageMs">The time since its recording began, in milliseconds.</param>
    /// <param name="isAlive">True if the process lives until this object is disposed of: collectors see that the file is in use.</param>
    public BuiltSession(string path, int seed = 1, uint pid = 4_000_000, long capacity = 8 << 20, int ageMs = 60_000, bool isAlive = false)
    {
        _random = new Random(seed);
        _session = new SessionBuilder(path, capacity);
        _session.Set32(24, pid);
        _session.NowNs = LibC.MonotonicNanoseconds() - ((ulong)ageMs * 1_000_000);
        _session.Set64(48, _session.NowNs);
        _session.Set64(40, (ulong)(DateTime.UtcNow.AddMilliseconds(-ageMs) - DateTime.UnixEpoch).Ticks * 100);
        if (isAlive)
            _session.Set64(1024, 0); // of a pid namespace that nobody can tell

        _session.Set32(88, _session.AddString("python3\0/srv/shop app.py\0"));
        _session.Set32(92, _session.AddString("/usr/bin/python3"));
        _threads = [_session.AddThread(), _session.AddThread("worker")];
        uint app = _session.AddCode("/srv/app.py", "<module>"), handle = _session.AddCode("/srv/app.py", "handle", "App.handle", 20), load = _session.AddCode("/srv/load.py", "load", "load", 5);
        var module = _session.AddNode(0, app, 40);
        var first = _session.AddNode(module, handle, 22);
        _stacks = [0, module, first, _session.AddNode(module, handle, 24), _session.AddNode(first, load, 7), _session.AddNode(first, load, 9)];
    }

    /// <summary>The number of blocks that the program keeps at most; then it uses their addresses again.</summary>
    public int MostAlive { get; init; } = int.MaxValue;

    /// <summary>The bytes allocated so far, by line of the innermost frame.</summary>
    public Dictionary<string, long> Allocated { get; } = [];

    /// <summary>The live bytes by line.</summary>
    public Dictionary<string, long> Live => _alive.GroupBy(block => block.Line).ToDictionary(blocks => blocks.Key, blocks => blocks.Sum(block => block.Size));

    /// <summary>All bytes that were freed.</summary>
    public long Freed { get; private set; }

    /// <summary>The builder, for calls that this class does not offer.</summary>
    public SessionBuilder Builder => _session;

    /// <summary>Allocates and frees, and advances the clock.</summary>
    public void Run(int calls, ulong stepNs = 1_000_000)
    {
        for (var i = 0; i < calls; i++)
        {
            _session.NowNs += stepNs;
            var thread = _threads[_random.Next(_threads.Length)];
            if (_alive.Count > 0 && (_random.Next(5) < 2 || _alive.Count >= MostAlive))
            {
                var index = _random.Next(_alive.Count);
                if (MostAlive < int.MaxValue)
                    _free.Push(_alive[index].Address);

                thread.Free(_alive[index].Domain, _alive[index].Address);
                Freed += _alive[index].Size;
                _alive.RemoveAt(index);
                continue;
            }

            var (domain, size, stack) = (_random.Next(3), _random.Next(1, 5000), _random.Next(_stacks.Length));
            if (!_free.TryPop(out var address))
                (address, _next) = (_next, _next + 8192);

            thread.Malloc(domain, address, (ulong)size, _stacks[stack]);
            _alive.Add((domain, address, size, _lines[stack]));
            Allocated[_lines[stack]] = Allocated.GetValueOrDefault(_lines[stack]) + size;
        }
    }

    /// <summary>Ends the process.</summary>
    public void End() => _session.End();

    public void Dispose()
    {
        if (!_isDisposed)
            _session.Dispose();

        _isDisposed = true;
    }

    /// <summary>Makes the recording of such a program with <c>collect</c>.</summary>
    public static string Recorded(string folder, int calls = 3000)
    {
        var sessions = Directory.CreateDirectory(Path.Combine(folder, "sessions")).FullName;
        using (var session = new BuiltSession(Path.Combine(sessions, "one.alloctrace"), ageMs: calls))
        {
            session.Run(calls);
            session.End();
        }

        var recording = Path.Combine(folder, "built.db");
        Assert.AreEqual("", CommandRun.Of("collect", "-q", "-o", recording, sessions).Error);
        return recording;
    }
}
