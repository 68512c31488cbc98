using System.CommandLine;
using System.Runtime.InteropServices;
using AllocTrace.Report.Agent;
using AllocTrace.Report.Push;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace agent</c>: follows all recorded processes of a machine until it is stopped.</summary>
internal sealed class AgentCommand : Verb
{
    private const long Limit = 2L << 30, Queue = 256 << 20;

    private static readonly TimeSpan _usualEvery = TimeSpan.FromSeconds(15), _usualKeep = TimeSpan.FromHours(24);

    private readonly Argument<string[]> _paths = new("FOLDER") { Description = "Folders of sessions, which programs get with ALLOCTRACE=FOLDER.", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string> _folder = new("-o", "--output") { Description = "The folder of the databases, and of the queue of requests.", HelpName = "FOLDER", Required = true };
    private readonly Option<TimeSpan?> _every = TimeOption.Create("--every", "The length of a period.", _usualEvery, TimeSpan.FromMilliseconds(100));
    private readonly Option<TimeSpan?> _keep = TimeOption.Create("--keep", "The time for which a period is kept.", _usualKeep, TimeSpan.FromSeconds(1));
    private readonly Option<long?> _limit = SizeOption.Create("--limit", "The largest size of all databases together; the oldest is removed first. [default: 2GiB]");
    private readonly Option<long?> _queue = SizeOption.Create("--queue", "The largest size of the queue of requests; the oldest is dropped first, and counted. [default: 256MiB]");
    private readonly Option<string?> _service = new("--service") { Description = "The service of all processes. [default: OTEL_SERVICE_NAME of each process, or the name of its program]", HelpName = "NAME" };
    private readonly Option<string?> _host = new("--host") { Description = "The name of this machine. [default: the system's]", HelpName = "NAME" };
    private readonly Option<string[]> _labels = LabelOption.Create();
    private readonly Option<int?> _metrics = new("--metrics") { Description = "Serve the agent's own figures for Prometheus, at http://127.0.0.1:PORT/metrics.", HelpName = "PORT" };
    private readonly ServerOptions _server;
    private readonly Output _console;

    private AgentCommand(Output output)
        : base(
            "agent",
            "Follows every recorded process of a machine until it is stopped: keeps the last day in databases, and sends each period as OpenTelemetry profiles.",
            "alloctrace agent /run/alloctrace -o /var/lib/alloctrace",
            "alloctrace agent /run/alloctrace -o /var/lib/alloctrace --otlp https://collector:4318 --bearer-file token --metrics 9464",
            "alloctrace merge -o day.db /var/lib/alloctrace/*.db && alloctrace top day.db")
    {
        _console = output;
        Add(_paths);
        foreach (var option in (Option[])[_folder, _every, _keep, _limit, _queue, _service, _host, _labels, _metrics])
            Add(option);

        _server = new ServerOptions(this, "--otlp", "The receiver of OpenTelemetry profiles, as http://HOST:PORT.", isRequired: false);
        SetAction(Run);
    }

    public static Command Create(Output output) => new AgentCommand(output);

    private int Run(ParseResult parsed)
    {
        var receiver = _server.Read(parsed);
        var options = OptionsOf(parsed, hasReceiver: receiver is not null);
        if (receiver is { ShowsSecrets: true })
            Note($"what identifies you is sent to {receiver.Name} without encryption: give its address with https");

        using var interrupt = new Interrupt();
        using var run = new AgentRun(options, receiver, Note);
        using var reload = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => Reload(context, parsed, run));
        using var figures = parsed.GetValue(_metrics) is { } port ? new AgentMetrics(port, run.Figures) : null;
        Note($"following {string.Join(", ", options.Sessions)}; databases in {options.Folder}{(receiver is null ? "" : $"; sending to {receiver.Name}")}");
        run.Run(interrupt.Token);
        return ExitCode.Done;
    }

    private AgentOptions OptionsOf(ParseResult parsed, bool hasReceiver) => new()
    {
        Sessions = parsed.GetValue(_paths)!,
        Folder = parsed.GetRequiredValue(_folder),
        Every = parsed.GetValue(_every) ?? _usualEvery,
        Keep = parsed.GetValue(_keep) ?? _usualKeep,
        Limit = parsed.GetValue(_limit) ?? Limit,
        Queue = parsed.GetValue(_queue) ?? Queue,
        Service = parsed.GetValue(_service),
        Host = parsed.GetValue(_host) ?? Environment.MachineName,
        Labels = LabelOption.Pairs(parsed.GetValue(_labels)!),
        HasReceiver = hasReceiver,
    };

    private void Reload(PosixSignalContext context, ParseResult parsed, AgentRun run)
    {
        context.Cancel = true;
        try
        {
            run.Reload(_server.Read(parsed));
            Note("read tokens, passwords and certificates again");
        }
        catch (UsageException e)
        {
            Note($"{e.Message}; the old ones stay in use");
        }
    }

    private void Note(string line)
    {
        lock (_console.Error)
        {
            _console.Error.WriteLine($"alloctrace: {Printable.Text(Secrets.Hidden(line))}");
            _console.Error.Flush();
        }
    }
}
