using AllocTrace.Analysis;
using Microsoft.Data.Sqlite;

namespace AllocTrace.Testing;

/// <summary>Makes a recording's database with nothing but its schema and plain INSERTs, so that the reader is tested against the contract.</summary>
public sealed class TraceBuilder : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Dictionary<(int Caller, Frame Frame), int> _stacks = [];
    private readonly Dictionary<(string Filename, string Function, int FirstLine), int> _codes = [];
    private readonly Dictionary<string, int> _domains = [];
    private readonly Dictionary<(int Process, string Name), int> _moments = [];
    private readonly Dictionary<int, int> _processOfThread = [];
    private readonly Func<Frame, int> _firstLine;
    private int _processes, _threads, _sites;
    private bool _hasObjects;

    /// <param name="firstLine">Returns the first line of a frame's function; 1 if not given.</param>
    public TraceBuilder(Func<Frame, int>? firstLine = null)
    {
        _firstLine = firstLine ?? (_ => 1);
        Path = System.IO.Path.Combine(Directory.CreateTempSubdirectory("alloctrace-test-").FullName, "trace.db");
        _connection = new SqliteConnection($"Data Source={Path};Pooling=False");
        _connection.Open();
        using var schema = new StreamReader(typeof(Frame).Assembly.GetManifestResourceStream("schema.sql")!);
        Execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
        Execute("BEGIN");
        Execute(schema.ReadToEnd());
        foreach (var name in new[] { "raw", "mem", "obj" })
            Domain(name);

        Execute("INSERT INTO stack VALUES (0, NULL, NULL, 0, 0)");
    }

    public string Path { get; }

    /// <summary>Executes SQL, for tests that need more than the other methods.</summary>
    public void Execute(string sql, params ReadOnlySpan<object?> values)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < values.Length; i++)
            command.Parameters.AddWithValue($"?{i + 1}", values[i] ?? DBNull.Value);

        command.ExecuteNonQuery();
    }

    public int Process(int pid = 100, string command = "python3 app.py", string stacks = "on", string ending = "finalized")
    {
        var id = ++_processes;
        Execute(
            "INSERT INTO process VALUES (?1, ?2, 1, ?3, '/usr/bin/python3', '3.13.1 (main) [GCC 14]', ?4, 1700000000000000000, 2500000000, ?5, 0, 0, 1, 0)",
            id, pid, command, stacks, ending);
        return id;
    }

    public int Thread(int process, string name = "python3", int osId = 100)
    {
        _processOfThread[++_threads] = process;
        Execute("INSERT INTO thread VALUES (?1, ?2, ?3, ?4, 0, NULL, 0)", _threads, process, osId, name);
        return _threads;
    }

    public int Domain(string name)
    {
        if (!_domains.TryGetValue(name, out var id))
        {
            _domains[name] = id = _domains.Count;
            Execute("INSERT INTO domain VALUES (?1, ?2)", id, name);
        }

        return id;
    }

    /// <summary>Returns the number of a stack, oldest frame first.</summary>
    public int Stack(params IEnumerable<Frame> frames)
    {
        var stack = 0;
        foreach (var frame in frames)
        {
            if (!_stacks.TryGetValue((stack, frame), out var callee))
            {
                callee = _stacks.Count + 1;
                _stacks.Add((stack, frame), callee);
                Execute("INSERT INTO stack VALUES (?1, ?2, ?3, ?4, 0)", callee, stack, Code(frame), frame.LineNumber);
            }

            stack = callee;
        }

        return stack;
    }

    /// <summary>Returns a stack that could not be kept.</summary>
    public int LostStack()
    {
        var key = (0, new Frame("", 0, ""));
        if (!_stacks.TryGetValue(key, out var stack))
        {
            _stacks[key] = stack = _stacks.Count + 1;
            Execute("INSERT INTO stack VALUES (?1, 0, NULL, 0, 1)", stack);
        }

        return stack;
    }

    public int Site(
        int thread, string domain, int stack, MemoryAmount allocated, MemoryAmount freed = default, MemoryAmount temporary = default, MemoryAmount peak = default,
        MemoryAmount live = default)
    {
        var site = ++_sites;
        var process = _processOfThread[thread];
        Execute(
            "INSERT INTO site VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0, 0)",
            site, process, thread, Domain(domain), stack, allocated.Bytes, allocated.Blocks, freed.Bytes, freed.Blocks, temporary.Bytes, temporary.Blocks);
        Alive(process, "peak", "", 1_000_000_000, site, peak);
        Alive(process, "live", "", 2_000_000_000, site, live);
        return site;
    }

    /// <summary>Adds the live amount of a site to a named snapshot.</summary>
    public void Named(int process, string name, int site, MemoryAmount amount) => Alive(process, "named", name, 1_500_000_000, site, amount);

    public void Loss(int process, string reason, long events, long? firstNs = null, long? lastNs = null) =>
        Execute("INSERT INTO loss VALUES (?1, NULL, ?2, ?3, ?4, ?5)", process, reason, events, firstNs, lastNs);

    /// <summary>
    /// Adds a crash: a fault at an address, in a thread with a name that must not be printed unescaped, and another thread that waits.
    /// </summary>
    public void Crash(int process)
    {
        Domain("raw");
        Domain("mem");
        Domain("obj");
        Execute("INSERT INTO crash VALUES (?1, 11, 'SIGSEGV', 1, 24, NULL, 1250000000, 101, 0, 3, 11, 0)", process);
        Execute("INSERT INTO crash_thread VALUES (1, ?1, 101, 139900000001536, 'work\u001b[1m', 0, 1, 1500, 0)", process);
        Execute("INSERT INTO crash_thread VALUES (2, ?1, NULL, 139900000000768, '', 4, 0, 0, 1)", process);
        Execute("INSERT INTO crash_frame VALUES (1, 0, '/srv/\u001b[2Japp.py', 7, 'Handler.run'), (1, 1, '/srv/app.py', 0, '<module>')");
        Execute("INSERT INTO crash_c_frame VALUES (?1, 0, '', 0, '', 0, 0), (?1, 1, '/srv/\u001b[2Jlib.so', 4660, 'fail', 0, 0), (?1, 2, '/usr/bin/python3.13', 80, '_PyEval_EvalFrameDefault', 0, 1), (?1, 3, '[vdso]', 80, '', 1, 0)", process);
        Execute("INSERT INTO crash_allocation VALUES (?1, 0, 'free', 1, 0, 8192, NULL), (?1, 1, 'malloc', 2, 64, 8192, 0)", process);
    }

    /// <summary>
    /// Adds an account of 30 MB of resident memory when finalization began, of which the blocks of a site keep 9, and a limit of 64 MiB.
    /// </summary>
    public void Memory(int process, long site)
    {
        Execute("INSERT INTO memory VALUES (1, ?1, 'live', '', 900000000, 30000000, 0, 6000000, 8)", process);
        Execute("INSERT INTO memory_part VALUES (1, 0, 'arena live', '', 8000000, 7900000), (1, 1, 'arena empty', '', 7000000, 0), (1, 2, 'heap live', '', 3000000, 2203592)");
        Execute("INSERT INTO memory_part VALUES (1, 3, 'heap free', '', 7000000, 0), (1, 4, 'file', '/usr/bin/\u001b[2Jpython3', 4000000, 0), (1, 5, 'alloctrace', '', 1000000, 0)");
        Execute("INSERT INTO memory_hold VALUES (1, ?1, 9000000, 6000000)", site);
        Execute("INSERT INTO control_group VALUES (?1, '/app', 67108864, 31000000, 33000000, 0)", process);
    }

    /// <summary>Adds an event log that had no room for anything.</summary>
    public void FullEventLog(int process, long leftOut, long sinceNs)
    {
        using var schema = new StreamReader(typeof(Frame).Assembly.GetManifestResourceStream("events.sql")!);
        Execute(schema.ReadToEnd());
        Execute("INSERT INTO event_log VALUES (?1, 0, ?2, ?3)", process, leftOut, sinceNs);
    }

    /// <summary>Makes the tables for types and holders, and a row for a snapshot that was added before.</summary>
    /// <returns>The snapshot.</returns>
    public int Objects(int process, string kind, string name = "", string note = "")
    {
        var moment = _moments[(process, kind + name)];
        if (!_hasObjects)
        {
            using var schema = new StreamReader(typeof(Frame).Assembly.GetManifestResourceStream("objects.sql")!);
            Execute(schema.ReadToEnd());
        }

        _hasObjects = true;
        Execute("INSERT INTO object_snapshot VALUES (?1, 'copy', 1250000, ?2)", moment, note);
        return moment;
    }

    /// <summary>Adds blocks of a type to a site at a snapshot with <see cref="Objects"/>.</summary>
    public void Typed(int moment, int site, string type, string kind, MemoryAmount amount, long retained) =>
        Execute("INSERT INTO object_type VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", moment, site, type, kind, amount.Blocks, amount.Bytes, retained);

    /// <summary>Completes the file. The builder cannot be used afterwards.</summary>
    public string Save()
    {
        Execute("COMMIT");
        _connection.Close();
        return Path;
    }

    public void Dispose()
    {
        _connection.Dispose();
        Directory.Delete(System.IO.Path.GetDirectoryName(Path)!, recursive: true);
    }

    private int Code(Frame frame)
    {
        var key = (frame.Filename, frame.Function, _firstLine(frame));
        if (!_codes.TryGetValue(key, out var code))
        {
            _codes[key] = code = _codes.Count + 1;
            Execute("INSERT INTO code VALUES (?1, ?2, ?3, ?3, ?4)", code, frame.Filename, frame.Function, key.Item3);
        }

        return code;
    }

    private void Alive(int process, string kind, string name, long atNs, int site, MemoryAmount amount)
    {
        if (amount.Blocks == 0)
            return;

        var key = (process, kind + name);
        if (!_moments.TryGetValue(key, out var moment))
        {
            _moments[key] = moment = _moments.Count + 1;
            Execute("INSERT INTO snapshot VALUES (?1, ?2, ?3, ?4, ?5, 0, 0)", moment, process, kind, name, atNs);
        }

        Execute("INSERT INTO snapshot_site VALUES (?1, ?2, ?3, ?4)", moment, site, amount.Bytes, amount.Blocks);
        Execute("UPDATE snapshot SET bytes = bytes + ?2, blocks = blocks + ?3 WHERE id = ?1", moment, amount.Bytes, amount.Blocks);
    }
}
