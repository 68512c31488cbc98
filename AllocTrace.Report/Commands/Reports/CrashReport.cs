using System.Globalization;
using AllocTrace.Analysis;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Stacks;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>Writes the results of <c>alloctrace crash</c>.</summary>
/// <param name="path">The recording.</param>
/// <param name="crashes">The crashes.</param>
/// <param name="interpreterFrames">True to show the C frames of CPython itself.</param>
internal sealed class CrashReport(string path, IReadOnlyList<(TraceProcess Process, TraceCrash Crash)> crashes, bool interpreterFrames) : IReport
{
    private const int MostAllocations = 10;

    public void WriteText(Output output)
    {
        if (crashes.Count == 0)
            output.Error.WriteLine($"alloctrace: {Printable.Text(path)}: no crash was recorded. Record crashes with 'alloctrace run --crash on'");

        var page = new Page(output);
        foreach (var (process, crash) in crashes)
        {
            page.Line($"Process {Place.Process(process)}", Page.Heading);
            page.Line($"  {Describe(crash)}", Page.Alarm);
            if (process.Ending != ProcessEnding.Killed)
                page.Line($"  the process continued: {process.Ending.Word()}");
            if (!crash.IsComplete)
                page.Line("  this report is incomplete: the process ended while it was written", Page.Alarm);
            if (crash.NestedSignal is { } nested)
                page.Line($"  signal {nested} arrived while this was written: what was being read then is missing", Page.Alarm);
            foreach (var thread in crash.Threads)
                WriteThread(page, thread, thread.HasCrashed ? crash : null, crash.Threads.Select(each => each.Interpreter).Distinct().Count() > 1);

            if (crash.ThreadsInAll > crash.Threads.Count)
            {
                page.Line();
                page.Line($"  … and {Numbers.Of(crash.ThreadsInAll - crash.Threads.Count, "more thread")}, without room in the recording");
            }

            if (crash.MergedFrames is null)
                WriteCStack(page, crash);
            WriteAllocations(page, crash);
            page.Line();
        }
    }

    /// <summary>One line about the signal.</summary>
    public static string Describe(TraceCrash crash)
    {
        var cause = crash.Address is { } address ? string.Create(CultureInfo.InvariantCulture, $" at address 0x{address:x}")
            : crash.SenderPid is { } sender ? $", sent by process {sender}"
            : "";
        var when = crash.WasCollecting ? ", during a garbage collection" : "";
        return $"{crash.Name}{cause} in thread {crash.OsId} after {Numbers.Seconds(crash.AtNs)}{when}";
    }

    public void WriteJson(TextWriter target)
    {
        using var text = new JsonText(target);
        text.Json.WriteStartObject();
        text.Json.WriteStartArray("crashes");
        foreach (var (process, crash) in crashes)
            WriteJson(text, process, crash, interpreterFrames);

        text.Json.WriteEndArray();
        text.Json.WriteEndObject();
    }

    /// <summary>Writes a crash as an object.</summary>
    public static void WriteJson(JsonText text, TraceProcess process, TraceCrash crash, bool interpreterFrames = false)
    {
        var json = text.Json;
        json.WriteStartObject();
        json.WriteNumber("pid", process.Pid);
        json.WriteNumber("signal", crash.Signal);
        json.WriteString("name", crash.Name);
        json.WriteNumber("code", crash.Code);
        if (crash.Address is { } address)
            json.WriteNumber("address", unchecked((ulong)address));
        if (crash.SenderPid is { } sender)
            json.WriteNumber("sender_pid", sender);
        json.WriteNumber("at_ns", crash.AtNs);
        json.WriteNumber("thread", crash.OsId);
        json.WriteBoolean("collecting", crash.WasCollecting);
        json.WriteNumber("threads_in_all", crash.ThreadsInAll);
        if (crash.NestedSignal is { } nested)
            json.WriteNumber("nested_signal", nested);
        json.WriteBoolean("complete", crash.IsComplete);
        json.WriteStartArray("threads");
        foreach (var thread in crash.Threads)
            WriteJson(text, thread);

        json.WriteEndArray();
        json.WriteStartArray("c_traceback");
        foreach (var frame in crash.CFrames)
        {
            json.WriteStartObject();
            json.WriteString("filename", frame.Path);
            json.WriteNumber("offset", unchecked((ulong)frame.Offset));
            json.WriteString("function", frame.Function);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteBoolean("c_traceback_cut", crash.IsCStackCut);
        if (Shown(crash, interpreterFrames) is { } merged)
        {
            json.WriteStartArray("merged_traceback");
            foreach (var frame in merged)
                WriteJson(text, frame);

            json.WriteEndArray();
        }

        json.WriteStartArray("allocations");
        foreach (var allocation in crash.Allocations)
            WriteJson(text, allocation);

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteJson(JsonText text, LastAllocation allocation)
    {
        var json = text.Json;
        json.WriteStartObject();
        json.WriteString("kind", allocation.Kind.Word());
        json.WriteString("domain", allocation.Domain);
        json.WriteNumber("size", allocation.Bytes);
        json.WriteNumber("address", allocation.Address);
        if (allocation.Frame is { } frame)
        {
            json.WritePropertyName("frame");
            WriteJson(text, frame);
        }

        json.WriteEndObject();
    }

    private static void WriteJson(JsonText text, CrashedThread thread)
    {
        var json = text.Json;
        json.WriteStartObject();
        if (thread.OsId is { } id)
            json.WriteNumber("id", id);
        json.WriteNumber("ident", thread.Identifier);
        json.WriteString("name", thread.Name);
        if (thread.Interpreter is { } interpreter)
            json.WriteNumber("interpreter", interpreter);
        json.WriteBoolean("crashed", thread.HasCrashed);
        json.WriteNumber("depth", thread.Depth);
        json.WriteBoolean("faulted", thread.HasFaulted);
        json.WriteStartArray("traceback");
        foreach (var frame in thread.Frames)
            WriteJson(text, frame);

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteJson(JsonText text, StackFrame frame)
    {
        text.Json.WriteStartObject();
        text.Json.WriteString("filename", frame.Filename);
        text.Json.WriteNumber("lineno", frame.Line);
        text.Json.WriteString("function", frame.Function);
        if (frame.IsNative)
            text.Json.WriteBoolean("native", true);
        text.Json.WriteEndObject();
    }

    /// <summary>The frames of the thread that crashed, with C frames; <see langword="null"/> if the recording does not say where those belong.</summary>
    private static IReadOnlyList<StackFrame>? Shown(TraceCrash crash, bool interpreterFrames) =>
        interpreterFrames ? crash.MergedFrames : crash.MergedFrames?.Where(frame => !InterpreterFrames.IsLeftOut(frame)).ToArray();

    private void WriteThread(Page page, CrashedThread thread, TraceCrash? crash, bool severalInterpreters)
    {
        var which = thread.OsId is { } id ? id.ToString(CultureInfo.InvariantCulture) : $"0x{thread.Identifier:x}";
        var name = thread.Name == "" ? "" : $" [{Printable.Text(thread.Name)}]";
        var interpreter = severalInterpreters && thread.Interpreter is { } number ? $", interpreter {number}" : "";
        page.Line();
        page.Line($"  {(thread.HasCrashed ? "Crashed thread" : "Thread")} {which}{name}{interpreter} (most recent call first):");
        using var frames = new StringWriter { NewLine = "\n" };
        var merged = crash is null ? null : Shown(crash, interpreterFrames);
        ThreadStacksReport.WriteFrames(frames, merged ?? thread.Frames, problem: null);
        foreach (var line in frames.ToString().TrimEnd('\n').Split('\n'))
            page.Line($"  {line}");

        if (thread.Depth > thread.Frames.Count)
            page.Line($"    … and {Numbers.Of(thread.Depth - thread.Frames.Count, "older frame")}");
        if (merged is not null && crash!.IsCStackCut)
            page.Line("    … and older C frames: without room here, or not found");
        else if (merged is not null && crash!.CFrames.Max(frame => frame.PythonFrames) < thread.Frames.Count)
            page.Line("    not all C frames are where they belong: the interpreter's loops were not found");
        if (thread.HasFaulted)
            page.Line("    only part of its stack could be read", Page.Alarm);
    }

    /// <summary>Writes in the words of CPython 3.14's faulthandler; the number is an offset in the file.</summary>
    private static void WriteCStack(Page page, TraceCrash crash)
    {
        if (crash.CFrames.Count == 0)
            return;

        page.Line();
        page.Line("  C stack of the crashed thread (most recent call first):");
        foreach (var frame in crash.CFrames)
        {
            var (function, offset) = (frame.Function == "" ? "???" : Printable.Text(frame.Function), frame.Offset.ToString("x", CultureInfo.InvariantCulture));
            page.Line(frame.Path == "" ? $"    No file, at 0x{offset}" : $"    Binary file \"{Printable.Text(frame.Path)}\", at {function} [+0x{offset}]");
        }

        if (crash.IsCStackCut)
            page.Line("    … and older frames: without room here, or not found");
    }

    private static void WriteAllocations(Page page, TraceCrash crash)
    {
        if (crash.Allocations.Count == 0)
            return;

        page.Line();
        page.Line("  Last allocations, newest first:");
        foreach (var allocation in crash.Allocations.Take(MostAllocations))
        {
            var size = allocation.Kind == AllocationKind.Free ? "" : $" {ByteSize.Format(allocation.Bytes)}";
            var place = allocation.Frame is { } frame ? $"  {Printable.Text(frame.Filename)}:{frame.Line} {Printable.Text(frame.Function)}" : "";
            page.Line($"    {allocation.Domain} {allocation.Kind.Word()}{size} at 0x{allocation.Address:x}{place}");
        }

        if (crash.Allocations.Count > MostAllocations)
            page.Line($"    … and {crash.Allocations.Count - MostAllocations} more in --json");
    }
}
