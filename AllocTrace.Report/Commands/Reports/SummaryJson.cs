using System.Globalization;
using System.Text.Json;
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
        var process = summary.Process;
        text.Json.WriteStartObject();
        WriteDescription(text.Json, process);
        if (database.Crashes.FirstOrDefault(crash => crash.Process == process.Id) is { } crash)
        {
            text.Json.WritePropertyName("crash");
            CrashReport.WriteJson(text, process, crash);
        }

        if (database.Native.FirstOrDefault(native => native.Process == process.Id) is { } native)
            WriteNative(text.Json, native);
        if (database.EventLogs.FirstOrDefault(log => log.Process == process.Id) is { } log)
            WriteEventLog(text.Json, log);
        if (ResidentMemory.Of(database, process).Account is { } account)
            WriteMemory(text.Json, account);

        WriteUsage(text, summary.Usage, summary.Error);
        WriteSnapshot(text, "peak", summary.Peak, summary.Error.Peak);
        WriteSnapshot(text, "live", summary.Live, summary.Error.Live);
        WriteDomains(text, summary);
        WriteThreads(text, summary);
        text.Statistics("peak_lines", summary.PeakLines);
        text.Statistics("live_lines", summary.LiveLines);
        text.Json.WriteStartArray("losses");
        foreach (var loss in summary.Losses)
            WriteLoss(text.Json, loss);

        text.Json.WriteEndArray();
        text.Json.WriteEndObject();
    }

    private static void WriteDescription(Utf8JsonWriter json, TraceProcess process)
    {
        json.WriteNumber("pid", process.Pid);
        json.WriteNumber("parent_pid", process.ParentPid);
        json.WriteString("command", process.Command);
        json.WriteString("python_version", process.PythonVersion);
        json.WriteString("started_at", Timestamp(process));
        json.WriteNumber("duration_ns", process.DurationNs);
        json.WriteString("ending", process.Ending.Word());
        json.WriteString("stacks", process.Stacks);
    }

    private static void WriteNative(Utf8JsonWriter json, TraceNative native)
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

    private static void WriteEventLog(Utf8JsonWriter json, TraceEventLog log)
    {
        json.WriteStartObject("event_log");
        json.WriteNumber("events", log.Events);
        json.WriteNumber("left_out", log.LeftOut);
        if (log.LeftOutNs is { } since)
            json.WriteNumber("left_out_ns", since);

        json.WriteEndObject();
    }

    private static void WriteMemory(Utf8JsonWriter json, TraceMemory account)
    {
        json.WriteStartObject("memory");
        json.WriteNumber("resident", account.ResidentBytes);
        json.WriteNumber("live", account.LiveBytes);
        json.WriteEndObject();
    }

    private static void WriteDomains(JsonText text, ProcessSummary summary)
    {
        text.Json.WriteStartArray("domains");
        foreach (var (domain, usage, error) in summary.Domains)
        {
            text.Json.WriteStartObject();
            text.Json.WriteString("name", domain.Name);
            WritePart(text, usage, error);
        }

        text.Json.WriteEndArray();
    }

    private static void WriteThreads(JsonText text, ProcessSummary summary)
    {
        text.Json.WriteStartArray("threads");
        foreach (var (thread, usage, error) in summary.Threads)
        {
            text.Json.WriteStartObject();
            text.Json.WriteNumber("id", thread.OsId);
            text.Json.WriteString("name", thread.Name);
            text.Json.WriteNumber("interpreter", thread.Interpreter);
            WritePart(text, usage, error);
        }

        text.Json.WriteEndArray();
    }

    /// <summary>Writes the figures of a domain or thread, and ends its object.</summary>
    private static void WritePart(JsonText text, Usage usage, Usage error)
    {
        WriteUsage(text, usage, error);
        text.BytesAndBlocks("peak", usage.Peak, error.Peak);
        text.BytesAndBlocks("live", usage.Live, error.Live);
        text.Json.WriteEndObject();
    }

    private static void WriteLoss(Utf8JsonWriter json, TraceLoss loss)
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

    private static void WriteUsage(JsonText text, Usage usage, Usage error)
    {
        text.BytesAndBlocks("allocated", usage.Allocated, error.Allocated);
        text.BytesAndBlocks("freed", usage.Freed, error.Freed);
        text.BytesAndBlocks("temporary", usage.Temporary, error.Temporary);
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
