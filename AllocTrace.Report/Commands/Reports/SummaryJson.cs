using System.Globalization;
using AllocTrace.Analysis;
using AllocTrace.Report.Export;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>Writes the summary of a process as JSON.</summary>
internal static class SummaryJson
{
    public static string Timestamp(TraceProcess process) =>
        process.StartedAt.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    public static void WriteProcess(JsonText text, TraceDatabase database, ProcessSummary summary)
    {
        var json = text.Json;
        var process = summary.Process;
        json.WriteStartObject();
        json.WriteNumber("pid", process.Pid);
        json.WriteNumber("parent_pid", process.ParentPid);
        json.WriteString("command", process.Command);
        json.WriteString("python_version", process.PythonVersion);
        json.WriteString("started_at", Timestamp(process));
        json.WriteNumber("duration_ns", process.DurationNs);
        json.WriteString("ending", process.Ending.Word());
        json.WriteString("stacks", process.Stacks);
        if (database.Crashes.FirstOrDefault(crash => crash.Process == process.Id) is { } crash)
        {
            json.WritePropertyName("crash");
            CrashReport.WriteJson(text, process, crash);
        }

        if (database.Native.FirstOrDefault(native => native.Process == process.Id) is { } native)
        {
            json.WriteStartObject("native");
            json.WriteString("mode", native.Mode);
            json.WriteString("reach", native.Reach);
            json.WriteStartArray("past");
            foreach (var image in native.Past)
                json.WriteStringValue(image);

            json.WriteEndArray();
            json.WriteEndObject();
        }

        if (database.EventLogs.FirstOrDefault(log => log.Process == process.Id) is { } log)
        {
            json.WriteStartObject("event_log");
            json.WriteNumber("events", log.Events);
            json.WriteNumber("left_out", log.LeftOut);
            if (log.LeftOutNs is { } since)
                json.WriteNumber("left_out_ns", since);

            json.WriteEndObject();
        }

        WriteUsage(text, summary.Usage, summary.Error);
        WriteSnapshot(text, "peak", summary.Peak, summary.Error.Peak);
        WriteSnapshot(text, "live", summary.Live, summary.Error.Live);
        json.WriteStartArray("domains");
        foreach (var (domain, usage, error) in summary.Domains)
        {
            json.WriteStartObject();
            json.WriteString("name", domain.Name);
            WriteUsage(text, usage, error);
            text.Amount("peak", usage.Peak, error.Peak);
            text.Amount("live", usage.Live, error.Live);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("threads");
        foreach (var (thread, usage, error) in summary.Threads)
        {
            json.WriteStartObject();
            json.WriteNumber("id", thread.OsId);
            json.WriteString("name", thread.Name);
            json.WriteNumber("interpreter", thread.Interpreter);
            WriteUsage(text, usage, error);
            text.Amount("peak", usage.Peak, error.Peak);
            text.Amount("live", usage.Live, error.Live);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        text.Statistics("peak_lines", summary.PeakLines);
        text.Statistics("live_lines", summary.LiveLines);
        json.WriteStartArray("losses");
        foreach (var loss in summary.Losses)
        {
            json.WriteStartObject();
            json.WriteString("reason", loss.Reason.Word());
            json.WriteNumber("events", loss.Events);
            if (loss is { FirstNs: { } first, LastNs: { } last })
            {
                json.WriteNumber("first_ns", first);
                json.WriteNumber("last_ns", last);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteUsage(JsonText text, Usage usage, Usage error)
    {
        text.Amount("allocated", usage.Allocated, error.Allocated);
        text.Amount("freed", usage.Freed, error.Freed);
        text.Amount("temporary", usage.Temporary, error.Temporary);
    }

    private static void WriteSnapshot(JsonText text, string name, TraceSnapshot? snapshot, MemoryAmount error)
    {
        if (snapshot is null)
            return;

        text.Json.WriteStartObject(name);
        text.Figures(new MemoryAmount(snapshot.Bytes, snapshot.Blocks), error);
        text.Json.WriteNumber("at_ns", snapshot.AtNs);
        text.Json.WriteEndObject();
    }
}
