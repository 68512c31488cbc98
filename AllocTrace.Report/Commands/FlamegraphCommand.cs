using System.CommandLine;
using System.Text;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Report.Web;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace flamegraph</c>: a page to look at a recording with, or at what changed between two.</summary>
internal static class FlamegraphCommand
{
    public static Command Create(Output output)
    {
        var files = new Argument<string[]>("FILE")
        {
            Description = "The recording, or two, the older one first, to see what grew.",
            Arity = new ArgumentArity(1, 2),
        };
        var target = new Option<string?>("-o", "--output")
        {
            Description = "The page to write, or - for the standard output. [default: the recording's name with .html]",
            HelpName = "FILE.html",
        };
        var force = new Option<bool>("-f", "--force") { Description = "Replace the file if it exists." };
        var command = new Verb(
            "flamegraph",
            "Writes one HTML file with a flame graph, a table and a timeline of the recording. It needs no network.",
            "alloctrace flamegraph app.db -o app.html",
            "alloctrace flamegraph before.db after.db -o growth.html    # colored by growth",
            "alloctrace flamegraph app.db --filter 'app/*' --all-frames -o app.html")
        {
            files, target, force,
        };
        var selection = new SnapshotOptions(command, snapshots: 0, views: false);
        command.SetAction(parsed =>
        {
            var paths = parsed.GetRequiredValue(files);
            using var database = selection.Open(parsed, paths[^1]);
            using var old = paths.Length == 2 ? selection.Open(parsed, paths[0]) : null;
            PageRecording Recording(TraceDatabase each) => new(each, selection.Pid(parsed), [.. selection.Filters(parsed)]);
            var data = old is null ? new PageData(Recording(database)) : new PageData(Recording(database), Recording(old));
            var path = parsed.GetValue(target) ?? Path.ChangeExtension(paths[^1], ".html");
            if (path == "-")
            {
                FlamePage.Write(data, output.Out);
                return ExitCode.Done;
            }

            NewFile.Write(path, parsed.GetValue(force), stream =>
            {
                using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true);
                FlamePage.Write(data, writer);
            });
            output.Error.WriteLine($"alloctrace: wrote {Printable.Text(path)}");
            return ExitCode.Done;
        });
        return command;
    }
}
