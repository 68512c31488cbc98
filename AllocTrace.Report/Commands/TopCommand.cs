using System.CommandLine;
using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace top</c>: which lines (or functions, threads, …) hold the memory.</summary>
internal sealed class TopCommand : Verb
{
    private readonly Argument<string> _file = ReportArguments.File();

    private readonly Option<GroupBy> _groupBy = WordOption.Create<GroupBy>(
        "--group-by", "The key of the groups: lineno, filename, traceback, function, domain, thread, process or type.", "KEY", "-g");

    private readonly Option<bool> _cumulative = new("--cumulative")
    {
        Description = "Count an allocation once for every line (file, function) on its stack.",
    };

    private readonly Option<bool> _everyFrame = new("--every-frame")
    {
        Description = "With --cumulative: count it once for each frame, recursion included, as tracemalloc does.",
    };

    private readonly Option<bool> _types = new("--types") { Description = "Show the types of the blocks under each row. Needs a snapshot with types (run --objects end, snapshot --objects)." };
    private readonly Option<bool> _retained = new("--retained") { Description = "Show the bytes that would be freed with the blocks of each row: their own, and those that only they hold. Needs a snapshot with types." };
    private readonly Option<int> _rows = WordOption.Number("-n", "The number of rows; 0 for all.", "N", defaultValue: 10);
    private readonly ReportFormat _format = new();
    private readonly SnapshotOptions _selection;
    private readonly Threshold _failAbove;
    private readonly Output _console;

    private TopCommand(Output output)
        : base(
            "top",
            "Lists the lines, functions, threads or processes that hold the memory, largest first.",
            "alloctrace top app.db",
            "alloctrace top app.db --view peak --group-by traceback -n 3",
            "alloctrace top app.db --cumulative --group-by function --exclude '<frozen *>'",
            "alloctrace top app.db --mine                      # your own lines, with all that they call",
            "alloctrace top app.db --filter 'models.py:120' --all-frames",
            "alloctrace top app.db --group-by type             # dict, list, app.models.Row, …",
            "alloctrace top app.db --types --retained",
            "alloctrace top app.db --json -n 0 | jq '.statistics[0]'")
    {
        _console = output;
        Add(_file);
        foreach (var option in (Option[])[_groupBy, _cumulative, _everyFrame, _types, _retained, _rows, _format.Json, _format.Csv])
            Add(option);

        _selection = new SnapshotOptions(this, mine: true);
        _failAbove = Threshold.FailAbove(this, output, "the total of what is counted");
        _format.Validate(this);
        Validators.Add(result =>
        {
            if (result.GetValue(_everyFrame) && !result.GetValue(_cumulative))
                result.AddError("--every-frame needs --cumulative");
            if (result.GetValue(_cumulative) && result.GetValue(_groupBy) is not (GroupBy.Lineno or GroupBy.Filename or GroupBy.Function))
                result.AddError("--cumulative needs --group-by lineno, filename or function");
            if (result.GetValue(_cumulative) && (result.GetValue(_types) || result.GetValue(_retained)))
                result.AddError("--cumulative and --types or --retained exclude each other");
        });
        SetAction(Run);
    }

    public static Command Create(Output output) => new TopCommand(output);

    private int Run(ParseResult parsed)
    {
        using var database = _selection.Open(parsed, parsed.GetRequiredValue(_file));
        var wantsTypes = parsed.GetValue(_types) || parsed.GetValue(_retained) || parsed.GetValue(_groupBy) == GroupBy.Type;
        var snapshot = wantsTypes ? _selection.LoadWithTypes(parsed, database) : _selection.Load(parsed, database);
        var report = new TopReport(
            database,
            snapshot,
            _selection.Title(parsed),
            parsed.GetValue(_groupBy),
            parsed.GetValue(_cumulative)
                ? parsed.GetValue(_everyFrame) ? Cumulation.OncePerFrame : Cumulation.OncePerTrace
                : Cumulation.None,
            parsed.GetValue(_rows),
            _selection.Pid(parsed))
        {
            ShowsTypes = parsed.GetValue(_types),
            ShowsRetained = parsed.GetValue(_retained),
            Mine = _selection.MineTitle(parsed),
            Nothing = _selection.NothingPasses(parsed, snapshot, database),
        };
        _format.Write(parsed, report, _console);

        return _failAbove.CheckMeasured(parsed, _failAbove.Check(parsed, $"{database.Path}: {_selection.Title(parsed)}:", snapshot.Bytes), database);
    }
}
