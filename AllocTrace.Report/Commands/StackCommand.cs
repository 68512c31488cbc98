using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

using AllocTrace.Report.Render;
using AllocTrace.Stacks;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace stack</c>: prints the Python stacks of a running process.</summary>
internal static class StackCommand
{
    public static Command Create(Output output)
    {
        var pid = new Argument<uint>("PID") { Description = "A process that runs CPython 3.8 to 3.15; it need not be recorded" };
        var json = new Option<bool>("--json") { Description = "Write JSON, frames oldest first" };
        var command = new Verb(
            "stack",
            "Prints the Python stacks of a running process: all threads, all interpreters. Loads nothing into the process; holds running threads for an instant.",
            "alloctrace stack 4711",
            "alloctrace stack 4711 --json | jq '.threads[].frames[-1]'",
            "watch -n 1 alloctrace stack $(pgrep -f app.py)")
        {
            pid, json,
        };
        command.SetAction(parsed =>
        {
            var threads = ProcessStacks.Read(parsed.GetValue(pid), out var cut);
            if (parsed.GetValue(json))
                WriteJson(output, parsed.GetValue(pid), threads);
            else
                WriteText(output, parsed.GetValue(pid), threads);
            output.Out.Flush();
            if (cut is not null)
                output.Error.WriteLine($"alloctrace: {Printable.Text(cut)}");

            return cut is null && threads.All(thread => thread.Problem is null) ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    internal static void WriteText(Output output, uint pid, IReadOnlyList<ThreadStack> threads)
    {
        var severalInterpreters = threads.Select(thread => (thread.Python, thread.Interpreter)).Distinct().Count() > 1;
        output.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Process {pid}: CPython {string.Join(", ", threads.Select(thread => thread.Python).Distinct())}, threads: {threads.Count}"));
        foreach (var thread in threads)
        {
            var which = thread.Id != 0 ? thread.Id.ToString(CultureInfo.InvariantCulture) : $"0x{thread.Identifier:x}";
            var name = thread.Name == "" ? "" : $" [{Printable.Text(thread.Name)}]";
            var where = severalInterpreters ? $", interpreter {thread.Interpreter} of CPython {thread.Python}" : "";
            output.Out.WriteLine($"\nThread {which}{name}{where}, {(thread.IsRunning ? "running" : "waiting")} (most recent call first):");
            WriteFrames(output.Out, thread.Frames, thread.Problem);
        }
    }

    /// <summary>The frames as faulthandler prints them, but with qualified names.</summary>
    public static void WriteFrames(TextWriter writer, IReadOnlyList<StackFrame>? frames, string? problem)
    {
        if (frames is not { Count: > 0 })
            writer.WriteLine(frames is null ? $"  <not shown: {problem}>" : "  <no Python frame>");
        foreach (var frame in (frames ?? []).Reverse())
            writer.WriteLine($"  File \"{Printable.Text(frame.Filename)}\", line {(frame.Line > 0 ? frame.Line : "???")} in {Printable.Text(frame.Function)}");
        if (frames is not null && problem is not null)
            writer.WriteLine($"  <{problem}>");
    }

    internal static void WriteJson(Output output, uint pid, IReadOnlyList<ThreadStack> threads)
    {
        var report = new
        {
            pid,
            threads = threads.Select(thread => new
            {
                id = thread.Id,
                name = thread.Name,
                ident = thread.Identifier,
                python = thread.Python,
                interpreter = thread.Interpreter,
                running = thread.IsRunning,
                frames = thread.Frames?.Select(frame => new { filename = frame.Filename, lineno = frame.Line, function = frame.Function }),
                problem = thread.Problem,
            }),
        };
        output.Out.WriteLine(JsonSerializer.Serialize(report, new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
    }
}
