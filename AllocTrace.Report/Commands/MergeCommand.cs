using System.CommandLine;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace merge</c>: one recording of several.</summary>
internal static class MergeCommand
{
    public static Command Create(Output output)
    {
        var files = new Argument<string[]>("FILE") { Description = "The recordings to merge.", Arity = ArgumentArity.OneOrMore };
        var target = new Option<string>("-o", "--output") { Description = "The recording to write.", HelpName = "FILE.db", Required = true };
        var force = new Option<bool>("-f", "--force") { Description = "Replace the recording if it exists." };
        var command = new Verb(
            "merge",
            "Merges recordings of many processes or machines into one. Every report works on it, for each process and in total.",
            "alloctrace merge -o all.db worker-*.db",
            "alloctrace top all.db --group-by process")
        {
            files, target, force,
        };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(target);
            var paths = parsed.GetRequiredValue(files);
            var processes = TraceMerge.Write(path, parsed.GetValue(force), paths);
            output.Error.WriteLine(
                $"alloctrace: merged {Numbers.Of(processes, "process", "processes")} of {Numbers.Of(paths.Length, "recording")} into {Printable.Text(path)}");
            return ExitCode.Done;
        });
        return command;
    }
}
