using System.Globalization;
using System.IO.Compression;
using AllocTrace.Analysis;
using AllocTrace.Report.Export.Pprof;
using AllocTrace.Storage;
using Google.Protobuf;

namespace AllocTrace.Report.Export;

/// <summary>
/// <c>export --format pprof</c>: four values for each stack, under the names of Go's heap profiles, which every reader knows:
/// <c>alloc_objects</c> and <c>alloc_space</c> for all allocations, <c>inuse_objects</c> and <c>inuse_space</c> for live blocks.
/// </summary>
internal sealed class PprofExport
{
    private readonly TraceDatabase _database;
    private readonly Profile _profile = new();
    private readonly Dictionary<string, long> _strings = [];
    private readonly Dictionary<int, ulong> _functions = [];
    private readonly Dictionary<(int Code, int Line), ulong> _locations = [];
    private readonly Dictionary<(string Image, string BuildId), ulong> _mappings = [];

    private PprofExport(TraceDatabase database)
    {
        _database = database;
        _ = Text("");
    }

    /// <summary>Writes a profile, compressed as readers expect it.</summary>
    /// <param name="allocated">All allocations.</param>
    /// <param name="alive">The live blocks of the same recording.</param>
    /// <param name="target">Gets the profile.</param>
    public static void Write(Snapshot allocated, Snapshot alive, Stream target) => Write(Make(allocated, alive), target);

    /// <summary>Writes the profile of a stretch of time, which says when that was: a server keeps profiles by it.</summary>
    public static void Write(SnapshotPeriod period, Stream target)
    {
        var profile = Make(period.Allocated, period.Alive);
        profile.TimeNanos = Nanoseconds(period.From - DateTimeOffset.UnixEpoch);
        profile.DurationNanos = Nanoseconds(period.Until - period.From);
        Write(profile, target);
    }

    private static void Write(Profile profile, Stream target)
    {
        using var compressed = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true);
        profile.WriteTo(compressed);
    }

    private static long Nanoseconds(TimeSpan time) => time.Ticks * TimeSpan.NanosecondsPerTick;

    private static Profile Make(Snapshot allocated, Snapshot alive)
    {
        var export = new PprofExport(allocated.Database);
        var counters = new Dictionary<Site, (MemoryAmount Allocated, MemoryAmount Alive)>();
        foreach (var site in allocated.Parts.SelectMany(part => part.Sites.ToArray()))
            counters[KeyOf(site)] = (new(site.Bytes, site.Blocks), default);
        foreach (var site in alive.Parts.SelectMany(part => part.Sites.ToArray()))
            counters[KeyOf(site)] = (counters.GetValueOrDefault(KeyOf(site)).Allocated, new(site.Bytes, site.Blocks));

        export.AddHeader();
        foreach (var (site, (total, now)) in counters)
            export.AddSample(site, total, now);

        export._profile.StringTable.AddRange(export._strings.Keys); // in the order of their numbers
        return export._profile;
    }

    private static Site KeyOf(Site site) => site with { Bytes = 0, Blocks = 0 };

    private void AddHeader()
    {
        foreach (var (type, unit) in new[] { ("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes") })
            _profile.SampleType.Add(new Pprof.ValueType { Type = Text(type), Unit = Text(unit) });

        _profile.DefaultSampleType = Text("inuse_space");
        _profile.PeriodType = new Pprof.ValueType { Type = Text("space"), Unit = Text("bytes") };
        _profile.Period = Math.Max(1, _database.Processes.Select(process => process.SampleBytes).DefaultIfEmpty().Max()); // 1: every byte
        _profile.TimeNanos = _database.Processes.Select(process => process.StartedAtNs).DefaultIfEmpty().Min();
        _profile.DurationNanos = _database.Processes.Select(process => process.DurationNs).DefaultIfEmpty().Max();
        _profile.Mapping.Add(new Mapping
        {
            Id = 1,
            Filename = Text(_database.Processes.Select(process => process.Executable).FirstOrDefault("")),
            HasFunctions = true,
            HasFilenames = true,
            HasLineNumbers = true,
        });
        foreach (var loss in _database.Losses)
            _profile.Comment.Add(Text($"incomplete: {loss.Events} events ({loss.Reason.Word()})"));
    }

    private void AddSample(Site site, MemoryAmount allocated, MemoryAmount alive)
    {
        var stacks = _database.Stacks;
        var sample = new Sample { Value = { allocated.Blocks, allocated.Bytes, alive.Blocks, alive.Bytes } };
        for (var stack = site.Stack; stack != 0; stack = stacks.Caller[stack])
            sample.LocationId.Add(Location(stacks.Code[stack], stacks.Line[stack]));

        if (site.Stack == 0)
            sample.LocationId.Add(Location(-1, 0)); // readers drop samples without a place

        var process = _database.Processes[site.Process];
        var thread = _database.Threads[site.Thread];
        (string Key, string Value)[] labels =
        [
            ("process", process.Command),
            ("pid", process.Pid.ToString(CultureInfo.InvariantCulture)), // as text: pprof would give a number a unit
            ("thread", thread.Name),
            ("thread_id", thread.OsId.ToString(CultureInfo.InvariantCulture)),
            ("interpreter", thread.Interpreter.ToString(CultureInfo.InvariantCulture)),
            ("domain", _database.Domains[site.Domain].Name),
        ];
        foreach (var (key, value) in labels)
            sample.Label.Add(new Label { Key = Text(key), Str = Text(value) });

        _profile.Sample.Add(sample);
    }

    private ulong Location(int code, int line)
    {
        if (!_locations.TryGetValue((code, line), out var id))
        {
            _locations[(code, line)] = id = (ulong)_locations.Count + 1;
            var native = code < 0 ? null : _database.Stacks.Codes.NativeOf(code);
            _profile.Location.Add(new Location { Id = id, MappingId = native is { } of ? Mapping(of) : 1, Address = native?.Address ?? 0, Line = { new Line { FunctionId = Function(code), Line_ = line } } });
        }

        return id;
    }

    /// <summary>The file of a C function; 1 is the program, which everything else belongs to.</summary>
    private ulong Mapping(NativeOrigin native)
    {
        if (native.Image == "")
            return 1;

        if (!_mappings.TryGetValue((native.Image, native.BuildId), out var id))
        {
            _mappings[(native.Image, native.BuildId)] = id = (ulong)_mappings.Count + 2;
            _profile.Mapping.Add(new Mapping { Id = id, Filename = Text(native.Image), BuildId = Text(native.BuildId), HasFunctions = true });
        }

        return id;
    }

    private ulong Function(int code)
    {
        if (_functions.TryGetValue(code, out var id))
            return id;

        _functions[code] = id = (ulong)_functions.Count + 1;
        var codes = _database.Stacks.Codes;
        var filename = code < 0 ? "" : codes.Text(codes[code].Filename);
        var name = code < 0 ? Render.Place.NoFrame : codes.Text(codes[code].Function) is { Length: > 0 } function ? function : filename;
        _profile.Function.Add(new Function
        {
            Id = id,
            Name = Text(name), // and no system name: pprof would take it for a mangled one of C++, and "<module>" for a template
            Filename = Text(filename),
            StartLine = code < 0 ? 0 : codes[code].FirstLine,
        });
        return id;
    }

    private long Text(string text)
    {
        if (!_strings.TryGetValue(text, out var index))
            _strings[text] = index = _strings.Count;

        return index;
    }
}
