using System.CommandLine;
using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace memory</c>: what the resident memory of a process is.</summary>
internal static class MemoryCommand
{
    public static Command Create(Output output)
    {
        var file = ReportArguments.File();
        var process = ReportArguments.Process();
        var format = new ReportFormat();
        var at = new Option<string?>("--at") { Description = "Account for the memory at a named snapshot, instead of the beginning of finalization.", HelpName = "SNAPSHOT" };
        var rows = WordOption.Number("-n", "The number of lines to list that keep more than their blocks; 0 for all.", "N", defaultValue: 10);
        var command = new Verb(
            "memory",
            "Accounts for the resident memory (RSS) of a process, page by page: live blocks, free space in arenas and in the C heap, stacks, files, AllocTrace itself. "
            + "Lists the lines whose few live blocks keep much memory, and says what returns it.",
            "alloctrace memory app.db",
            "alloctrace memory app.db --at 'after load'",
            "alloctrace memory 4711                            # a process that is being recorded, now",
            "alloctrace memory app.db --json | jq '.parts[] | select(.kind == \"heap free\")'")
        {
            file, at, process, rows, format.Json,
        };
        command.SetAction(parsed =>
        {
            using var database = RecordingArgument.Open(parsed.GetRequiredValue(file), withMemory: true);
            var name = parsed.GetValue(at);
            ResidentMemory[] found = [.. database.ProcessesWith(parsed.GetValue(process)).Select(each => ResidentMemory.Of(database, each, name))];
            var known = found.Where(each => each.Account is not null || each.WasKilledAtLimit).ToArray();
            if (known.Length == 0)
            {
                output.Error.WriteLine($"alloctrace: {Printable.Text(database.Path)}: {Printable.Text(WhyNone(database, found, name))}");
                return ExitCode.Failed;
            }

            format.Write(parsed, new MemoryReport(database, known, [.. found.Except(known)], parsed.GetValue(rows)), output);
            return ExitCode.Done;
        });
        return command;
    }

    private static string WhyNone(TraceDatabase database, ResidentMemory[] found, string? at)
    {
        if (at is null)
            return $"no account of resident memory. Process {found[0].Process.Pid}: {found[0].WhyNone}";

        var names = string.Join(", ", database.MemoryAccounts.Where(account => account.Kind == SnapshotKind.Named).Select(account => $"'{account.Name}'").Distinct());
        return $"no account of resident memory at a snapshot '{at}'; there {(names == "" ? "is none" : $"are {names}")}";
    }
}
