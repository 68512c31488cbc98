using System.CommandLine;
using System.Runtime.InteropServices;
using AllocTrace.Report.Agent;
using AllocTrace.Report.Push;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace agent</c>: follows all recorded processes of a machine until it is stopped.</summary>
internal static class AgentCommand
{
    private static readonly TimeSpan _every = TimeSpan.FromSeconds(15), _keep = TimeSpan.FromHours(24);
    private const long Limit = 2L << 30, Queue = 256 << 20;

    public static Command Create(Output output)
    {
        var paths = new Argument<string[]>("FOLDER") { Description = "Folders of sessions, which programs get with ALLOCTRACE=FOLDER.", Arity = ArgumentArity.OneOrMore };
        var folder = new Option<string>("-o", "--output") { Description = "The folder of the databases, and of the queue of requests.", HelpName = "FOLDER", Required = true };
        var every = TimeOption.Create("--every", "The length of a period.", _every, TimeSpan.FromMilliseconds(100));
        var keep = TimeOption.Create("--keep", "The time for which a period is kept.", _keep, TimeSpan.FromSeconds(1));
        var limit = SizeOption.Create("--limit", "The largest size of all databases together; the oldest is removed first. [default: 2GiB]");
        var queue = SizeOption.Create("--queue", "The largest size of the queue of requests; the oldest is dropped first, and counted. [default: 256MiB]");
        var service = new Option<string?>("--service") { Description = "The service of all processes. [default: OTEL_SERVICE_NAME of each process, or the name of its program]", HelpName = "NAME" };
        var host = new Option<string?>("--host") { Description = "The name of this machine. [default: the system's]", HelpName = "NAME" };
        var labels = LabelOption.Create();
        var metrics = new Option<int?>("--metrics") { Description = "Serve the agent's own figures for Prometheus, at http://127.0.0.1:PORT/metrics.", HelpName = "PORT" };
        var command = new Verb(
            "agent",
            "Follows every recorded process of a machine until it is stopped: keeps the last day in databases, and sends each period as OpenTelemetry profiles.",
            "alloctrace agent /run/alloctrace -o /var/lib/alloctrace",
            "alloctrace agent /run/alloctrace -o /var/lib/alloctrace --otlp https://collector:4318 --bearer-file token --metrics 9464",
            "alloctrace merge -o day.db /var/lib/alloctrace/*.db && alloctrace top day.db")
        {
            paths, folder, every, keep, limit, queue, service, host, labels, metrics,
        };
        var server = new ServerOptions(command, "--otlp", "The receiver of OpenTelemetry profiles, as http://HOST:PORT.", isRequired: false);
        command.SetAction(parsed =>
        {
            var receiver = server.Read(parsed);
            var options = new AgentOptions
            {
                Sessions = parsed.GetValue(paths)!,
                Folder = parsed.GetRequiredValue(folder),
                Every = parsed.GetValue(every) ?? _every,
                Keep = parsed.GetValue(keep) ?? _keep,
                Limit = parsed.GetValue(limit) ?? Limit,
                Queue = parsed.GetValue(queue) ?? Queue,
                Service = parsed.GetValue(service),
                Host = parsed.GetValue(host) ?? Environment.MachineName,
                Labels = LabelOption.Pairs(parsed.GetValue(labels)!),
                HasReceiver = receiver is not null,
            };
            if (receiver is { ShowsSecrets: true })
                Note($"what identifies you is sent to {receiver.Name} without encryption: give its address with https");

            using var interrupt = new Interrupt();
            using var run = new AgentRun(options, receiver, Note);
            using var reload = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => Reload(context, parsed, run));
            using var figures = parsed.GetValue(metrics) is { } port ? new AgentMetrics(port, run.Figures) : null;
            Note($"following {string.Join(", ", options.Sessions)}; databases in {options.Folder}{(receiver is null ? "" : $"; sending to {receiver.Name}")}");
            run.Run(interrupt.Token);
            return ExitCode.Done;
        });
        return command;

        void Reload(PosixSignalContext context, ParseResult parsed, AgentRun run)
        {
            context.Cancel = true;
            try
            {
                run.Reload(server.Read(parsed));
                Note("read tokens, passwords and certificates again");
            }
            catch (UsageException e)
            {
                Note($"{e.Message}; the old ones stay in use");
            }
        }

        void Note(string line)
        {
            lock (output.Error)
            {
                output.Error.WriteLine($"alloctrace: {Printable.Text(Secrets.Hidden(line))}");
                output.Error.Flush();
            }
        }
    }
}
