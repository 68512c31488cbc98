using System.CommandLine;

using AllocTrace.Report.Render;
using AllocTrace.Sessions;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace run</c>: runs a command and records it.</summary>
internal sealed class RunCommand : Command, IExamples
{
    private readonly Option<string?> _output = new("--output", "-o")
    {
        Description = "The database to write [default: alloctrace-COMMAND-PID.db in the current folder]",
        HelpName = "FILE.db",
    };

    private readonly Option<bool> _force = new("--force", "-f") { Description = "Replace the database if it exists" };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Print errors only, and no report" };
    private readonly RecordingOptionSet _recording = new();
    private readonly Option<int> _temporary = TemporaryOption.Create();
    private readonly Option<string?> _python = new("--python") { Description = "The interpreter that runs a script or a module", HelpName = "PYTHON" };

    private readonly Argument<string[]> _command = new("command")
    {
        Description = "The command and its arguments. A script (app.py) or -m MODULE runs with the python3 of the active virtual environment, or else of PATH. Everything after the command is passed to it",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Threshold _failAbove;
    private readonly Output _console;

    /// <param name="console">Where notes and the report go: the standard output is the command's own.</param>
    public RunCommand(Output console)
        : base("run", "Runs a command and records every allocation of its Python, with the stack.")
    {
        _console = console;
        foreach (var option in (Option[])[_output, _force, _quiet, .. _recording.Options, _temporary, _python])
            Add(option);

        Validators.Add(_recording.Validate);
        _failAbove = Threshold.FailAbove(this, console, "the command succeeds but the peak of a process");
        Add(_command);
        SetAction(Run);
    }

    private int Run(ParseResult arguments)
    {
        var words = arguments.GetValue(_command)!;
        var command = PythonProgram.Complete(words, arguments.GetValue(_python));
        if (command[0].StartsWith('-'))
            throw new UsageException($"unknown option {command[0]}: see 'alloctrace run --help'");
        if (command.Length > words.Length && !arguments.GetValue(_quiet))
            Note($"{words[0]} runs with {command[0]}");

        try
        {
            var path = arguments.GetValue(_output) ?? $"alloctrace-{Path.GetFileName(words[0].TrimStart('-'))}-%p.db";
            using var recording = Recording.Start(command, path, arguments.GetValue(_force), _recording.Read(arguments) with { TemporaryThreshold = arguments.GetValue(_temporary) });
            using var progress = new ProgressLine(_console.Error, isShown: !Console.IsErrorRedirected && !arguments.GetValue(_quiet));
            var result = recording.Wait(() => progress.Show("alloctrace: completing the database …"));
            progress.Dispose();
            Tell(result, words[0], arguments.GetValue(_quiet));
            return result.ExitCode == 0 ? WithinLimit(arguments, result, words[0]) : result.ExitCode;
        }
        catch (CommandNotStartedException e)
        {
            Note(e.Message);
            return e.ExitCode;
        }
    }

    public IReadOnlyList<string> Examples { get; } =
    [
        "alloctrace run -o app.db -- python3 app.py",
        "alloctrace run -o app.db app.py --port 8080                # options after the script belong to the script",
        "alloctrace run -m pytest tests",
        "alloctrace run --events -o app.db -- python3 app.py        # then: alloctrace export app.db --events -o events.csv",
        "alloctrace run --native malloc -o app.db -- python3 app.py # memory of C libraries, too: malloc and mmap",
        "alloctrace run --fail-above 200MiB -- python3 -m pytest    # for CI: exit code 4 when the peak was higher",
    ];

    private int WithinLimit(ParseResult arguments, RecordingResult result, string command)
    {
        if (result.DatabasePath is not { } path)
            return _failAbove.CheckMeasured(arguments, ExitCode.Done, $"nothing was recorded of {command}");

        using var database = TraceDatabase.Open(path);
        var code = _failAbove.CheckMeasured(arguments, PeakWithinLimit(arguments, database, path), database);
        return _failAbove.CheckMeasured(arguments, code, result.Problems.Count > 0 ? $"a process is not in {path}" : null);
    }

    private int PeakWithinLimit(ParseResult arguments, TraceDatabase database, string path) => database.Processes
        .Select(process => (process.Pid, database.SnapshotOf(process, SnapshotKind.Peak)?.Bytes))
        .Select(peak => _failAbove.Check(arguments, $"{path}: peak of process {peak.Pid}:", peak.Bytes ?? 0))
        .DefaultIfEmpty(ExitCode.Done)
        .Max();

    private void Note(string line) => _console.Error.WriteLine($"alloctrace: {Printable.Text(line)}");

    private void Tell(RecordingResult result, string command, bool quiet)
    {
        foreach (var problem in result.Problems)
            Note(problem);

        if (result.DatabasePath is not { } path)
        {
            Note($"nothing was recorded: {command} ran no Python that could be traced");
            return;
        }

        if (quiet)
            return;

        if (result.Running.Count > 0)
            Note($"still running, recorded so far: {(result.Running.Count == 1 ? "process" : "processes")} {string.Join(", ", result.Running)}");

        Note($"recorded in {path}");
        ShortReport.Write(path, result.ExitCode, _console.OnError());
    }
}
