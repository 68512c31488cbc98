using System.CommandLine;
using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace diff</c>: what grew from one recording to another, or between two snapshots of one.</summary>
internal sealed class DiffCommand : Verb
{
    private readonly Argument<string[]> _files = new("OLD NEW")
    {
        Description = "Two recordings, or one recording with --at twice.",
        Arity = new ArgumentArity(1, 2),
    };

    private readonly Option<GroupBy> _groupBy = WordOption.Create<GroupBy>(
        "--group-by", "The key of the groups: lineno, filename, traceback, function, domain, thread, process or type.", "KEY", "-g");

    private readonly Option<bool> _types = new("--types") { Description = "Show the change of each row by type of block. Needs snapshots with types (run --objects end, snapshot --objects)." };
    private readonly Option<int> _rows = WordOption.Number("-n", "The number of rows; 0 for all.", "N", defaultValue: 10);
    private readonly ReportFormat _format = new();
    private readonly SnapshotOptions _selection;
    private readonly Threshold _failGrowth;
    private readonly Output _console;

    private DiffCommand(Output output)
        : base(
            "diff",
            "Compares two recordings, or two snapshots of one, and lists what grew and shrank, the largest difference first.",
            "alloctrace diff before.db after.db",
            "alloctrace diff before.db after.db --view peak --group-by function",
            "alloctrace diff app.db --at 'after start' --at 'after load'",
            "alloctrace diff main.db branch.db --fail-growth 10MiB    # for CI: exit code 4 if it grew by more")
    {
        _console = output;
        Add(_files);
        foreach (var option in (Option[])[_groupBy, _types, _rows, _format.Json, _format.Csv])
            Add(option);

        _selection = new SnapshotOptions(this, snapshots: 2);
        _failGrowth = Threshold.FailGrowth(this, output, "the growth of the total");
        _format.Validate(this);
        Validators.Add(result =>
        {
            // One recording is compared with itself at another snapshot.
            var recordings = result.GetValue(_files)?.Length ?? 0;
            var snapshots = result.GetValue(_selection.At)?.Length ?? 0;
            if (recordings == 1 && snapshots != 2)
                result.AddError("one recording is compared at two snapshots: give --at twice, or a second recording");
            if (recordings == 2 && snapshots == 2)
                result.AddError("two recordings are compared at one snapshot: give --at once");
        });
        SetAction(Run);
    }

    public static Command Create(Output output) => new DiffCommand(output);

    private int Run(ParseResult parsed)
    {
        var paths = parsed.GetRequiredValue(_files);
        using var old = _selection.Open(parsed, paths[0]);
        using var other = paths.Length == 2 ? _selection.Open(parsed, paths[1]) : null;
        var database = other ?? old;
        var at = parsed.GetValue(_selection.At)!;

        // Two recordings are read at the same time; two snapshots of one recording are not, as only one thread may use it.
        var ofOld = new Task<Snapshot>(() => Load(parsed, old, at.FirstOrDefault()));
        if (other is null)
            ofOld.RunSynchronously();
        else
            ofOld.Start();

        var snapshot = Loaded(() => Load(parsed, database, at.LastOrDefault()), ofOld);
        var oldSnapshot = ofOld.GetAwaiter().GetResult();
        var report = new DiffReport(
            new DiffSide(old, oldSnapshot, other is null ? at[0] : _selection.Title(parsed)),
            new DiffSide(database, snapshot, other is null ? at[1] : _selection.Title(parsed)),
            parsed.GetValue(_groupBy),
            parsed.GetValue(_rows),
            parsed.GetValue(_types));
        _format.Write(parsed, report, _console);

        return _failGrowth.CheckMeasured(parsed, _failGrowth.Check(parsed, $"{database.Path}: growth:", snapshot.Bytes - oldSnapshot.Bytes), old, database);
    }

    private Snapshot Load(ParseResult parsed, TraceDatabase database, string? name) =>
        parsed.GetValue(_types) || parsed.GetValue(_groupBy) == GroupBy.Type ? _selection.LoadWithTypes(parsed, database, name) : _selection.Load(parsed, database, name);

    /// <summary>Loads a snapshot while another is loaded, and lets that end in any case: its recording is going to be closed. Its failure comes first.</summary>
    private static Snapshot Loaded(Func<Snapshot> load, Task<Snapshot> other)
    {
        try
        {
            return load();
        }
        finally
        {
            other.ContinueWith(_ => { }, TaskScheduler.Default).Wait();
            if (other.IsFaulted)
                other.GetAwaiter().GetResult();
        }
    }
}
