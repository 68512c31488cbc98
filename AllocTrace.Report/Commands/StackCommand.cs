using System.CommandLine;
using AllocTrace.Report.Render;
using AllocTrace.Stacks;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace stack</c>: prints the Python stacks of a running process.</summary>
internal static class StackCommand
{
    public static Command Create(Output output)
    {
        var pid = new Argument<uint>("PID") { Description = "A process that runs CPython 3.8 to 3.15; it need not be recorded." };
        var format = new ReportFormat { Json = new Option<bool>("--json") { Description = "Write JSON, frames oldest first." } };
        var native = new Option<bool>("--native") { Description = "Show C frames, too, where they belong between the Python frames, and threads without Python. x86-64 only." };
        var interpreterFrames = new Option<bool>("--interpreter-frames") { Description = "With --native: show the C frames of CPython itself, too: its loop and its calls." };
        var command = new Verb(
            "stack",
            "Prints the Python stacks of a running process: all threads, all interpreters. Loads nothing into the process; holds running threads for an instant.",
            "alloctrace stack 4711",
            "alloctrace stack 4711 --native                 # where in C do they wait?",
            "alloctrace stack 4711 --json | jq '.threads[].frames[-1]'",
            "watch -n 1 alloctrace stack $(pgrep -f app.py)")
        {
            pid, native, interpreterFrames, format.Json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(interpreterFrames) && !result.GetValue(native))
                result.AddError("--interpreter-frames needs --native");
        });
        command.SetAction(parsed =>
        {
            var threads = ProcessStacks.Read(parsed.GetValue(pid), parsed.GetValue(native), out var cut);
            if (!parsed.GetValue(interpreterFrames))
                threads = [.. threads.Select(thread => thread with { Frames = thread.Frames is { } frames ? [.. frames.Where(frame => !InterpreterFrames.IsLeftOut(frame))] : null })];
            format.Write(parsed, new ThreadStacksReport(parsed.GetValue(pid), threads), output);
            output.Out.Flush();
            if (cut is not null)
                output.Error.WriteLine($"alloctrace: {Printable.Text(cut)}");

            return cut is null && threads.All(thread => thread.Problem is null) ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }
}
