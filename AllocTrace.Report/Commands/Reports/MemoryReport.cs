using AllocTrace.Analysis;
using AllocTrace.Memory;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Storage;
using Spectre.Console;

namespace AllocTrace.Report.Commands;

/// <summary>Writes the results of <c>alloctrace memory</c>.</summary>
/// <param name="database">The recording.</param>
/// <param name="processes">Those of which something is known.</param>
/// <param name="others">Those of which the report says why nothing is known.</param>
/// <param name="rows">The number of lines that keep memory to list; 0 for all.</param>
internal sealed class MemoryReport(TraceDatabase database, IReadOnlyList<ResidentMemory> processes, IReadOnlyList<ResidentMemory> others, int rows) : IReport
{
    private const int MostFiles = 5;
    private const int MostLines = 5;

    public void WriteText(Output output)
    {
        var page = new Page(output);
        foreach (var (i, memory) in processes.OrderByDescending(each => each.Account?.ResidentBytes ?? 0).Index())
        {
            if (i > 0)
                page.Line();

            Write(page, memory);
        }

        foreach (var other in others)
        {
            page.Line();
            page.Line($"Process {Place.Process(other.Process)}", Page.Heading);
            page.Line($"  no account of resident memory: {other.WhyNone}");
        }
    }

    /// <summary>
    /// Writes the process with the most resident memory as <c>resident</c>, <c>parts</c> and <c>pinned</c>, and all of them as <c>processes</c> when
    /// there are several.
    /// </summary>
    public void WriteJson(TextWriter target)
    {
        using var text = new JsonText(target);
        var largest = processes.MaxBy(each => each.Account?.ResidentBytes ?? 0)!;
        text.Json.WriteStartObject();
        WriteProperties(text, largest);
        if (processes.Count > 1)
        {
            text.Json.WriteStartArray("processes");
            foreach (var process in processes)
            {
                text.Json.WriteStartObject();
                WriteProperties(text, process);
                text.Json.WriteEndObject();
                text.FlushIfLong();
            }

            text.Json.WriteEndArray();
        }

        text.Json.WriteEndObject();
    }

    private void WriteProperties(JsonText text, ResidentMemory memory)
    {
        var json = text.Json;
        json.WriteNumber("pid", memory.Process.Pid);
        json.WriteNumber("resident", memory.Account?.ResidentBytes ?? 0);
        if (memory.HighestBytes is { } highest)
            json.WriteNumber("highest_resident", highest);

        json.WriteStartArray("parts");
        foreach (var part in memory.Account?.Parts ?? [])
        {
            json.WriteStartObject();
            json.WriteString("kind", part.Kind);
            if (part.Name != "")
                json.WriteString("name", part.Name);

            json.WriteNumber("resident", part.ResidentBytes);
            json.WriteNumber("live", part.LiveBytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("pinned");
        foreach (var line in Pinned(memory))
        {
            json.WriteStartObject();
            json.WriteNumber("bytes", line.Bytes);
            json.WriteNumber("live", line.LiveBytes);
            text.Traceback(line.Traceback);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (memory.Account is { } account)
        {
            text.Statistics("live_lines", LiveOf(memory, account).Statistics(GroupBy.Lineno, limit: MostLines));
            json.WriteNumber("at_ns", account.AtNs);
            json.WriteNumber("huge", account.HugeBytes);
            json.WriteNumber("malloc_trim", account.TrimBytes);
            text.Notes(MemoryWords.Notes(account, memory.Process));
        }

        if (memory.Group is { } group)
            WriteGroup(text, group, memory.WasKilledAtLimit);
    }

    private static void WriteGroup(JsonText text, TraceControlGroup group, bool wasKilled)
    {
        text.Json.WriteStartObject("control_group");
        text.Json.WriteString("path", group.Path);
        text.Json.WriteNumber("limit", group.LimitBytes);
        if (group.CurrentBytes is { } current)
            text.Json.WriteNumber("current", current);
        if (group.PeakBytes is { } peak)
            text.Json.WriteNumber("peak", peak);
        text.Json.WriteNumber("kills", group.Kills);
        text.Json.WriteBoolean("killed", wasKilled);
        text.Json.WriteEndObject();
    }

    private PinnedLine[] Pinned(ResidentMemory memory)
    {
        if (memory.Account is not { } account)
            return [];

        var lines = PinnedLine.Of(database, account);
        return [.. rows == 0 ? lines : lines.Take(rows)];
    }

    private void Write(Page page, ResidentMemory memory)
    {
        page.Line($"Process {Place.Process(memory.Process)}", Page.Heading);
        if (memory.WasKilledAtLimit)
            page.Line($"Killed at its limit of {ByteSize.Format(memory.Group!.LimitBytes)} (control group {memory.Group.Path})", Page.Alarm);
        Caveats.Write(page, [memory.Process], [.. database.Losses.Where(loss => loss.Process == memory.Process.Id)]);
        if (memory.Group is { } group)
            page.Line($"  control group: limit {ByteSize.Format(group.LimitBytes)}{Size(", in use ", group.CurrentBytes)}{Size(", peak ", group.PeakBytes)}");
        if (memory.Account is not { } account)
        {
            WriteAlive(page, memory);
            return;
        }

        var when = account.Kind == SnapshotKind.Named ? $"at snapshot '{account.Name}'" : memory.Process.Ending == ProcessEnding.Running ? "now" : "when it began to finalize";
        page.Line($"  resident {Numbers.Size(account.ResidentBytes)} {when}, after {Numbers.Seconds(account.AtNs)}{Size("; the most that was seen is ", memory.HighestBytes > account.ResidentBytes ? memory.HighestBytes : null)}");
        if (memory.Process.SampleBytes == 0)
            page.Line($"  live blocks explain {ByteSize.Format(account.LiveBytes)} ({Numbers.Percent(account.LiveBytes, account.ResidentBytes)})");
        if (account.HugeBytes > 0)
            page.Line($"  {ByteSize.Format(account.HugeBytes)} of it in transparent huge pages");
        foreach (var note in MemoryWords.Notes(account, memory.Process))
            page.Line($"NOTE: {note}", Page.Alarm);
        page.Line();
        WriteParts(page, account);
        WritePinned(page, memory);
        var live = LiveOf(memory, account);
        new TopLines(page, SourceFiles.Of([memory.Process])).Write("have the most live bytes", live.Statistics(GroupBy.Lineno, limit: MostLines), live.Bytes, indent: 2);
        WriteRemedies(page, account);
    }

    private Snapshot LiveOf(ResidentMemory memory, TraceMemory account) => account.Kind == SnapshotKind.Named
        ? Snapshot.LoadAt(database, account.Name, memory.Process.Pid)
        : Snapshot.Load(database, View.Live, memory.Process.Pid);

    private static string Size(string before, long? bytes) => bytes is { } known ? before + ByteSize.Format(known) : "";

    /// <summary>Writes the live memory of a killed process, which has no account.</summary>
    private void WriteAlive(Page page, ResidentMemory memory)
    {
        if (memory.HighestBytes is { } highest)
            page.Line($"  resident: at least {Numbers.Size(highest)}, at the highest sample");
        if (database.SnapshotOf(memory.Process, SnapshotKind.Live) is { } live)
        {
            page.Line($"  live Python blocks at the end: {Numbers.Size(live.Bytes)} in {Numbers.Of(live.Blocks, "block")}");
            var snapshot = Snapshot.Load(database, View.Live, memory.Process.Pid);
            new TopLines(page, SourceFiles.Of([memory.Process])).Write("held most when it was killed", snapshot.Statistics(GroupBy.Lineno, limit: rows), snapshot.Bytes, indent: 2);
        }
    }

    private static void WriteParts(Page page, TraceMemory account)
    {
        var sizes = new SizeUnit([account.ResidentBytes]);
        var table = Page.NewTable(("Part", Justify.Left), ("Resident", Justify.Right), ("%", Justify.Right), ("Live", Justify.Right), ("", Justify.Left));
        foreach (var kind in account.Parts.GroupBy(part => part.Kind))
        {
            TraceMemoryPart[] parts = [.. kind];
            var several = kind.Key == MemoryKind.File;
            foreach (var part in several ? parts.Take(MostFiles) : parts)
                Row(MemoryWords.Label(part), part.ResidentBytes, part.LiveBytes, MemoryKind.HasBlocks(part.Kind), MemoryWords.Explain(part));

            if (several && parts.Length > MostFiles)
                Row($"{Numbers.Of(parts.Length - MostFiles, "more file")}", parts.Skip(MostFiles).Sum(part => part.ResidentBytes), 0, false, "");
        }

        Row("Sum", account.ResidentBytes, account.LiveBytes, true, "");
        page.Table(table, indent: 2);

        void Row(string label, long resident, long live, bool hasBlocks, string note) => table.AddRow(
            new Text(Printable.Text(label)),
            new Text(sizes.Format(resident)),
            new Text(Numbers.Percent(resident, account.ResidentBytes)),
            new Text(hasBlocks ? sizes.Format(live) : ""),
            new Text(note, Page.Dim));
    }

    private void WritePinned(Page page, ResidentMemory memory)
    {
        var lines = Pinned(memory);
        if (lines.Length == 0)
            return;

        page.Line();
        page.Line("  Lines whose live blocks keep more than themselves", Page.Heading);
        var sizes = new SizeUnit(lines.Select(line => line.Bytes));
        new PlaceTable(page, SourceFiles.Of([memory.Process]), "Keeps", "Live").Write(
            [.. lines.Select(line => (new Statistic(line.Bytes, 0, line.Traceback.Newest is { } frame ? new Traceback(frame) : Traceback.Empty), new[] { sizes.Format(line.Bytes), sizes.Format(line.LiveBytes) }))],
            indent: 2);
    }

    private static void WriteRemedies(Page page, TraceMemory account)
    {
        var remedies = MemoryWords.Remedies(account);
        if (remedies.Count == 0)
            return;

        page.Line();
        page.Line("  What returns memory to the system", Page.Heading);
        foreach (var remedy in remedies)
            page.Line($"  {remedy}");
    }
}
