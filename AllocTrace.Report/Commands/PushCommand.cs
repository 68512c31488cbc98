using System.CommandLine;
using AllocTrace.Analysis;
using AllocTrace.Report.Export;
using AllocTrace.Report.Export.Otlp;
using AllocTrace.Report.Push;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace push</c>: the course of a recording to a server that collects profiles.</summary>
internal static class PushCommand
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(30);

    public static Command Create(Output output)
    {
        var file = ReportArguments.File();
        var format = WordOption.Create<PushFormat>("--format", "The protocol of the server: ingest (Pyroscope's) or otlp (OpenTelemetry's profiles).", "FORMAT");
        var name = new Option<string>("--name") { Description = "The application's name at the server.", HelpName = "NAME", Required = true };
        name.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } text && (text == "" || !text.All(c => LabelOption.IsOfName(c) || c is '-' or '/')))
                result.AddError($"--name cannot be '{text}': use letters, digits and any of _ . - /");
        });
        var labels = LabelOption.Create();
        var periods = WordOption.Number("--periods", "The largest number of periods to divide each process into.", "N", defaultValue: 60);
        var attempts = WordOption.Number("--attempts", "The number of attempts to send each profile.", "N", defaultValue: 6);
        var process = ReportArguments.Process();
        var command = new Verb(
            "push",
            "Sends a recording to a server of profiles, by Pyroscope's ingest protocol or as OpenTelemetry's profiles.",
            "alloctrace push app.db --to http://localhost:4040 --name shop.api --label env=staging --label host=web-1",
            "alloctrace push app.db --format otlp --to https://collector:4318 --bearer-file token --name shop.api")
        {
            file, format, name, labels, periods, attempts, process,
        };
        var server = new ServerOptions(command, "--to", "The server, as http://HOST:PORT.", isRequired: true);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(periods) == 0 || parsed.GetValue(attempts) == 0)
                throw new UsageException("--periods and --attempts must be 1 or more");

            using var database = RecordingArgument.Open(parsed.GetRequiredValue(file));
            var receiver = server.Read(parsed)!;
            var target = new PushTarget(receiver.Address, parsed.GetRequiredValue(name), LabelOption.Pairs(parsed.GetValue(labels)!));
            if (receiver.ShowsSecrets)
                Note($"what identifies you is sent to {receiver.Name} without encryption: give its address with https");

            using var client = receiver.CreateClient(_timeout);
            var pusher = new ProfilePusher(client, parsed.GetValue(attempts), _firstPause, Note);
            var profiles = Profiles(database, database.ProcessesWith(parsed.GetValue(process)), parsed.GetValue(periods), target, parsed.GetValue(format));
            var sent = pusher.SendAll(profiles).GetAwaiter().GetResult();
            Note($"sent {Numbers.Of(sent, "profile")} to {receiver.Name}");
            return ExitCode.Done;
        });
        return command;

        void Note(string line) => output.Error.WriteLine($"alloctrace: {Printable.Text(Secrets.Hidden(line))}");
    }

    private static IEnumerable<PushedProfile> Profiles(
        TraceDatabase database, IEnumerable<TraceProcess> processes, int periods, PushTarget target, PushFormat format)
    {
        foreach (var process in processes)
        {
            var resource = OtlpResource.Of(process, target.Name, Environment.MachineName).With(target.Labels);
            foreach (var period in SnapshotSeries.Read(database, process, periods))
            {
                if (format == PushFormat.Otlp)
                {
                    yield return new PushedProfile(target.OtlpAddress, OtlpPeriods.Write(database, process, period, resource), format);
                    continue;
                }

                using var content = new MemoryStream();
                PprofExport.Write(period, content);
                yield return new PushedProfile(target.Address(period.From, period.Until, $"{process.Pid}"), content.ToArray());
            }
        }
    }
}
