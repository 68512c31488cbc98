using System.CommandLine;
using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace diff</c>: what grew from one recording to another, or between two snapshots of one.</summary>
internal static class DiffCommand
{
    public static Command Create(Output output)
    {
        var files = new Argument<string[]>("OLD NEW")
        {
            Description = "Two recordings, or one recording with --at twice.",
            Arity = new ArgumentArity(1, 2),
        };
        var groupBy = WordOption.Create<GroupBy>(
            "--group-by", "The key of the groups: lineno, filename, traceback, function, domain, thread, process or type.", "KEY", "-g");
        var types = new Option<bool>("--types") { Description = "Show the change of each row by type of block. Needs snapshots with types (run --objects end, snapshot --objects)." };
        var rows = WordOption.Number("-n", "The number of rows; 0 for all.", "N", defaultValue: 10);
        var format = new ReportFormat();
        var command = new Verb(
            "diff",
            "Compares two recordings, or two snapshots of one, and lists what grew and shrank, the largest difference first.",
            "alloctrace diff before.db after.db",
            "alloctrace diff before.db after.db --view peak --group-by function",
            "alloctrace diff app.db --at 'after start' --at 'after load'",
            "alloctrace diff main.db branch.db --fail-growth 10MiB    # for CI: exit code 4 if it grew by more")
        {
            files, groupBy, types, rows, format.Json, format.Csv,
        };
        var selection = new SnapshotOptions(command, snapshots: 2);
        var failGrowth = Threshold.FailGrowth(command, output, "the growth of the total");
        format.Validate(command);
        command.Validators.Add(result =>
        {
            // One recording is compared with itself at another snapshot.
            var recordings = result.GetValue(files)?.Length ?? 0;
            var snapshots = result.GetValue(selection.At)?.Length ?? 0;
            if (recordings == 1 && snapshots != 2)
                result.AddError("one recording is compared at two snapshots: give --at twice, or a second recording");
            if (recordings == 2 && snapshots == 2)
                result.AddError("two recordings are compared at one snapshot: give --at once");
        });
        command.SetAction(parsed =>
        {
            var paths = parsed.GetRequiredValue(files);
            using var old = selection.Open(parsed, paths[0]);
            using var other = paths.Length == 2 ? selection.Open(parsed, paths[1]) : null;
            var database = other ?? old;
            var at = parsed.GetValue(selection.At)!;

            var wantsTypes = parsed.GetValue(types) || parsed.GetValue(groupBy) == GroupBy.Type;
            Snapshot Load(TraceDatabase from, string? name) => wantsTypes ? selection.LoadWithTypes(parsed, from, name) : selection.Load(parsed, from, name);

            // Two recordings are read at the same time; two snapshots of one recording are not, as only one thread may use it.
            var ofOld = new Task<Snapshot>(() => Load(old, at.FirstOrDefault()));
            if (other is null)
                ofOld.RunSynchronously();
            else
                ofOld.Start();

            var snapshot = Loaded(() => Load(database, at.LastOrDefault()), ofOld);
            var oldSnapshot = ofOld.GetAwaiter().GetResult();
            var report = new DiffReport(
                new DiffSide(old, oldSnapshot, other is null ? at[0] : selection.Title(parsed)),
                new DiffSide(database, snapshot, other is null ? at[1] : selection.Title(parsed)),
                parsed.GetValue(groupBy),
                parsed.GetValue(rows),
                parsed.GetValue(types));
            format.Write(parsed, report, output);

            return failGrowth.CheckMeasured(parsed, failGrowth.Check(parsed, $"{database.Path}: growth:", snapshot.Bytes - oldSnapshot.Bytes), old, database);
        });
        return command;
    }

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
