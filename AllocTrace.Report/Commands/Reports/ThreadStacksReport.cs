using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Stacks;

namespace AllocTrace.Report.Commands;

/// <summary>Writes the results of <c>alloctrace stack</c>.</summary>
internal sealed class ThreadStacksReport(uint pid, IReadOnlyList<ThreadStack> threads) : IReport
{
    private static readonly StackJson _json = new(new JsonSerializerOptions(StackJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public void WriteText(Output output)
    {
        var severalInterpreters = threads.Where(thread => thread.Python != "").Select(thread => (thread.Python, thread.Interpreter)).Distinct().Count() > 1;
        output.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Process {pid}: CPython {string.Join(", ", threads.Select(thread => thread.Python).Where(python => python != "").Distinct())}, threads: {threads.Count}"));
        foreach (var thread in threads)
        {
            var which = thread.Id != 0 ? thread.Id.ToString(CultureInfo.InvariantCulture) : $"0x{thread.Identifier:x}";
            var name = thread.Name == "" ? "" : $" [{Printable.Text(thread.Name)}]";
            var where = severalInterpreters && thread.Python != "" ? $", interpreter {thread.Interpreter} of CPython {thread.Python}" : "";
            output.Out.WriteLine($"\nThread {which}{name}{where}, {(thread.IsRunning ? "running" : "waiting")} (most recent call first):");
            WriteFrames(output.Out, thread.Frames, thread.Problem);
            if (thread.CProblem is { } problem)
                output.Out.WriteLine($"  <{Printable.Text(problem)}>");
        }
    }

    /// <summary>The Python frames as faulthandler prints them, but with qualified names, and C frames as other reports have them.</summary>
    public static void WriteFrames(TextWriter writer, IReadOnlyList<StackFrame>? frames, string? problem)
    {
        if (frames is not { Count: > 0 })
            writer.WriteLine(frames is null ? $"  <not shown: {problem}>" : "  <no Python frame>");
        foreach (var frame in (frames ?? []).Reverse())
            writer.WriteLine(Line(frame));
        if (frames is not null && problem is not null)
            writer.WriteLine($"  <{problem}>");
    }

    private static string Line(StackFrame frame) => frame.IsNative
        ? $"  {Printable.Text(Place.Describe(new Frame(frame.Filename, 0, frame.Function) { IsNative = true }))}"
        : $"  File \"{Printable.Text(frame.Filename)}\", line {(frame.Line > 0 ? frame.Line : "???")} in {Printable.Text(frame.Function)}";

    public void WriteJson(TextWriter target)
    {
        var report = new StackReport(
            pid,
            [
                .. threads.Select(thread => new StackReport.Thread(
                    thread.Id,
                    thread.Name,
                    thread.Identifier,
                    thread.Python,
                    thread.Interpreter,
                    thread.IsRunning,
                    thread.Frames?.Select(frame => new StackReport.Frame(frame.Filename, frame.Line, frame.Function, frame.IsNative ? true : null)).ToArray(),
                    thread.Problem,
                    thread.CProblem)),
            ]);
        target.WriteLine(JsonSerializer.Serialize(report, _json.StackReport));
    }
}

/// <summary>The JSON of <c>stack --json</c>; names are those of the members in lower case.</summary>
internal sealed record StackReport(uint Pid, StackReport.Thread[] Threads)
{
    internal sealed record Thread(uint Id, string Name, ulong Ident, string Python, long Interpreter, bool Running, Frame[]? Frames, string? Problem, [property: JsonPropertyName("c_problem"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? CProblem);

    internal sealed record Frame(string Filename, long Lineno, string Function, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Native);
}

/// <summary>Serializes it with code that the compiler makes, since one compiled ahead of time has no other.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StackReport))]
internal sealed partial class StackJson : JsonSerializerContext;
