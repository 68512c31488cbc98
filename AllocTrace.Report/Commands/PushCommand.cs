using System.CommandLine;
using AllocTrace.Analysis;
using AllocTrace.Report.Export;
using AllocTrace.Report.Push;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace push</c>: the course of a recording to a server that collects profiles.</summary>
internal static class PushCommand
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    public static Command Create(Output output)
    {
        var file = ReportArguments.File();
        var server = new Option<Uri>("--to")
        {
            Description = "The server, as http://HOST:PORT.",
            HelpName = "URL",
            Required = true,
            CustomParser = result =>
            {
                if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var address) && address.Scheme is "http" or "https")
                    return address;

                result.AddError($"--to cannot be '{result.Tokens[0].Value}': give the address of a server, for example http://localhost:4040");
                return null;
            },
        };
        var name = new Option<string>("--name") { Description = "The application's name at the server.", HelpName = "NAME", Required = true };
        name.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } text && (text == "" || !text.All(c => IsOfLabel(c) || c is '-' or '/')))
                result.AddError($"--name cannot be '{text}': use letters, digits and any of _ . - /");
        });
        var labels = new Option<string[]>("--label") { Description = "A label, as NAME=VALUE. Can be repeated.", HelpName = "LABEL" };
        var periods = WordOption.Number("--periods", "The largest number of periods to divide each process into.", "N", defaultValue: 60);
        var attempts = WordOption.Number("--attempts", "The number of attempts to send each profile.", "N", defaultValue: 6);
        var process = ReportArguments.Process();
        var command = new Verb(
            "push",
            "Sends a recording to a server that speaks Pyroscope's ingest protocol, as one pprof profile per period.",
            "alloctrace push app.db --to http://localhost:4040 --name shop.api --label env=staging --label host=web-1")
        {
            file, server, name, labels, periods, attempts, process,
        };
        command.Validators.Add(result =>
        {
            foreach (var label in result.GetValue(labels) ?? [])
            {
                if (label.IndexOf('=') is var end && (end < 1 || !label[..end].All(IsOfLabel) || label.AsSpan(end).ContainsAny("},")))
                    result.AddError($"--label cannot be '{label}': give NAME=VALUE, with letters, digits, _ and . in the name, and without '}}' and ',' in the value");
            }
        });
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(periods) == 0 || parsed.GetValue(attempts) == 0)
                throw new UsageException("--periods and --attempts must be 1 or more");

            using var database = RecordingArgument.Open(parsed.GetRequiredValue(file));
            var target = new PushTarget(
                parsed.GetRequiredValue(server),
                parsed.GetRequiredValue(name),
                parsed.GetValue(labels)!.Select(label => label.Split('=', 2)).GroupBy(pair => pair[0]).ToDictionary(pairs => pairs.Key, pairs => pairs.Last()[1]));
            using var client = ProfilePusher.CreateClient(target.Server, _patience);
            var pusher = new ProfilePusher(client, parsed.GetValue(attempts), _firstPause, Note);
            var sent = pusher.SendAll(Profiles(database, database.ProcessesWith(parsed.GetValue(process)), parsed.GetValue(periods), target))
                .GetAwaiter().GetResult();
            Note($"sent {Numbers.Of(sent, "profile")} to {Secrets.Without(target.Server).GetLeftPart(UriPartial.Authority)}");
            return ExitCode.Done;
        });
        return command;

        void Note(string line) => output.Error.WriteLine($"alloctrace: {Printable.Text(Secrets.Hidden(line))}");
    }

    // What names may have is the server's rule (pkg/og/flameql/flameql.go), which otherwise refuses each profile.
    private static bool IsOfLabel(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '.';

    private static IEnumerable<PushedProfile> Profiles(TraceDatabase database, IEnumerable<TraceProcess> processes, int periods, PushTarget target)
    {
        foreach (var process in processes)
        {
            foreach (var period in SnapshotSeries.Read(database, process, periods))
            {
                using var content = new MemoryStream();
                PprofExport.Write(period, content);
                yield return new PushedProfile(target.Address(period.From, period.Until, $"{process.Pid}"), content.ToArray());
            }
        }
    }
}
