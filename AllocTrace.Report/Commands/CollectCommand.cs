using System.CommandLine;
using System.Runtime.InteropServices;

using AllocTrace.Report.Render;
using AllocTrace.Sessions;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace collect</c>: makes a database of sessions that were recorded with the variables alone.</summary>
internal sealed class CollectCommand : Command, IExamples
{
    private readonly Option<string?> _output = new("--output", "-o")
    {
        Description = "The database to write. [default: alloctrace-PID.db in the current folder, with the PID of the process that was recorded first]",
        HelpName = "FILE.db",
    };

    private readonly Option<bool> _force = new("--force", "-f") { Description = "Replace the database if it exists." };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Print errors only, and no report." };
    private readonly Option<int> _temporary = TemporaryOption.Create();
    private readonly Option<bool> _watch = new("--watch", "-w")
    {
        Description = "Continue after the processes have ended, and collect new ones, until Ctrl-C.",
    };

    private readonly Option<uint?> _recording = new(HostCollection.Option)
    {
        Description = "For traced processes, which start their collector so: the process that does.",
        HelpName = "PID",
        Hidden = true,
    };

    private readonly Argument<string[]> _paths = new("PATH")
    {
        Description = "Session files (*.alloctrace), folders of them, or the value that ALLOCTRACE had.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Output _console;

    /// <param name="console">The output for notes and the report.</param>
    public CollectCommand(Output console)
        : base(
            "collect",
            "Collects the sessions of programs that were recorded by environment variables into one database. Follows processes that still run until they end, or until Ctrl-C.")
    {
        _console = console;
        foreach (var option in (Option[])[_output, _force, _quiet, _temporary, _watch, _recording])
            Add(option);

        Add(_paths);
        SetAction(Run);
    }

    public IReadOnlyList<string> Examples { get; } =
    [
        "LD_PRELOAD=…/liballoctrace.so ALLOCTRACE=/tmp/sessions python3 app.py",
        "alloctrace collect -o app.db /tmp/sessions           # the sessions are removed when app.db is complete",
    ];

    private int Run(ParseResult arguments)
    {
        if (arguments.GetValue(_recording) is { } recorded)
            return CollectForHost(recorded, arguments.GetValue(_paths)!, arguments.GetValue(_output));

        var quiet = arguments.GetValue(_quiet);
        using var interrupt = new Interrupt();
        var path = arguments.GetValue(_output) ?? "alloctrace-%p.db";
        using var collection = SessionCollection.Start(
            arguments.GetValue(_paths)!, path, arguments.GetValue(_force), arguments.GetValue(_temporary), arguments.GetValue(_watch));
        using var progress = new ProgressLine(_console.Error, isShown: !Console.IsErrorRedirected && !quiet);
        var shown = -1;
        var result = collection.Wait(interrupt.Token, ShowRunning);
        progress.Dispose();
        return Tell(result, quiet);

        void ShowRunning(int running)
        {
            if (running != shown)
                progress.Show($"alloctrace: draining {running} sessions; Ctrl-C ends without waiting for running processes …");

            shown = running;
        }
    }

    /// <summary>
    /// Collects for a host. This collector ends with the recording: signals to the host's processes are not meant for it.
    /// </summary>
    private static int CollectForHost(uint recorded, string[] paths, string? output)
    {
        if (paths is not [var name] || output is null)
            throw new UsageException($"{HostCollection.Option}: wanted one name and -o");

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => context.Cancel = true);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = true);
        HostCollection.Run(recorded, name, output);
        return ExitCode.Done;
    }

    private int Tell(CollectionResult result, bool quiet)
    {
        foreach (var problem in result.Problems)
            Note(problem);

        if (result.DatabasePath is { } path)
        {
            if (!quiet)
                Report(result, path);
        }
        else if (result.Problems.Count == 0)
        {
            Note("nothing to collect: no session holds records that were not collected before");
            return ExitCode.Failed;
        }

        return result.HasDamage ? ExitCode.InvalidTrace : result.Problems.Count > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    private void Report(CollectionResult result, string path)
    {
        if (result.Running.Count > 0)
            Note($"still running, recorded so far: {(result.Running.Count == 1 ? "process" : "processes")} {string.Join(", ", result.Running)}");

        Note($"collected {Numbers.Of(result.Processes, "session")} in {path}");
        ShortReport.Write(path, exitCode: 0, _console);
    }

    private void Note(string line) => _console.Error.WriteLine($"alloctrace: {Printable.Text(line)}");
}
