using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Export;

/// <summary>Writes JSON to a text writer, however much it is, without holding all of it.</summary>
internal sealed class JsonText : IDisposable
{
    private const int ChunkBytes = 64 * 1024;

    private readonly TextWriter _target;
    private readonly ArrayBufferWriter<byte> _buffer = new(2 * ChunkBytes);

    public JsonText(TextWriter target)
    {
        _target = target;

        // Names stay readable ("<module>", not "\u003Cmodule\u003E"): this is not for inclusion in HTML. Control characters are escaped.
        Json = new Utf8JsonWriter(_buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    public Utf8JsonWriter Json { get; }

    /// <summary>Writes <c>"name":{"size":…,"count":…}</c>, with <c>size_error</c> and <c>count_error</c> if it is an estimate.</summary>
    public void BytesAndBlocks(string name, MemoryAmount amount, MemoryAmount error = default)
    {
        Json.WriteStartObject(name);
        Figures(amount, error);
        Json.WriteEndObject();
    }

    /// <summary>Writes an amount and its error as properties of the object that is being written.</summary>
    public void Figures(MemoryAmount amount, MemoryAmount error = default)
    {
        Json.WriteNumber("size", amount.Bytes);
        Json.WriteNumber("count", amount.Blocks);
        Errors("size_error", "count_error", error);
    }

    /// <summary>Writes the error of an estimate; nothing if every allocation was recorded.</summary>
    public void Errors(string size, string count, MemoryAmount error)
    {
        if (error == default)
            return;

        Json.WriteNumber(size, error.Bytes);
        Json.WriteNumber(count, error.Blocks);
    }

    /// <summary>Writes <c>"lost":{"events":…}</c>.</summary>
    public void Lost(long events)
    {
        Json.WriteStartObject("lost");
        Json.WriteNumber("events", events);
        Json.WriteEndObject();
    }

    /// <summary>Writes what has to be known of the figures as a property, when there is something.</summary>
    public void Notes(IReadOnlyList<string> notes)
    {
        if (notes.Count == 0)
            return;

        Json.WriteStartArray("notes");
        foreach (var note in notes)
            Json.WriteStringValue(note);

        Json.WriteEndArray();
    }

    /// <summary>Writes a list of statistics as a property.</summary>
    public void Statistics(string name, IEnumerable<Statistic> statistics)
    {
        Json.WriteStartArray(name);
        foreach (var statistic in statistics)
        {
            Statistic(statistic);
            FlushIfLong();
        }

        Json.WriteEndArray();
    }

    /// <summary>Writes a list of differences as a property.</summary>
    public void Differences(string name, IEnumerable<StatisticDiff> differences)
    {
        Json.WriteStartArray(name);
        foreach (var difference in differences)
        {
            Json.WriteStartObject();
            Json.WriteNumber("size", difference.Size);
            Json.WriteNumber("size_diff", difference.SizeDiff);
            Json.WriteNumber("count", difference.Count);
            Json.WriteNumber("count_diff", difference.CountDiff);
            Errors("size_diff_error", "count_diff_error", new MemoryAmount(difference.SizeDiffError, difference.CountDiffError));
            if (difference.Types.Count > 0)
                Types("types_diff", difference.Types);

            About(difference.Group);
            Json.WriteEndObject();
            FlushIfLong();
        }

        Json.WriteEndArray();
    }

    /// <summary>Writes a list of what kept growing as a property.</summary>
    public void Growths(string name, IEnumerable<Growth> growths)
    {
        Json.WriteStartArray(name);
        foreach (var growth in growths)
        {
            Json.WriteStartObject();
            Figures(new MemoryAmount(growth.Group.Size, growth.Group.Count));
            Json.WriteNumber("size_growth", growth.Bytes);
            Json.WriteNumber("count_growth", growth.Blocks);
            Errors("size_growth_error", "count_growth_error", new MemoryAmount(growth.BytesError, growth.BlocksError));
            Json.WriteNumber("grew_in", growth.Grown);
            Json.WriteStartArray("sizes");
            foreach (var bytes in growth.BytesByPeriod)
                Json.WriteNumberValue(bytes);

            Json.WriteEndArray();
            About(growth.Group);
            Json.WriteEndObject();
        }

        Json.WriteEndArray();
    }

    /// <summary>Writes frames as the property <c>traceback</c>, oldest first.</summary>
    public void Traceback(Traceback traceback)
    {
        Json.WriteStartArray("traceback");
        foreach (var frame in traceback)
        {
            Json.WriteStartObject();
            Json.WriteString("filename", frame.Filename);
            Json.WriteNumber("lineno", frame.LineNumber);
            Json.WriteString("function", frame.Function);
            if (frame.IsNative)
                Json.WriteBoolean("native", true);

            Json.WriteEndObject();
        }

        Json.WriteEndArray();
    }

    /// <summary>Writes on what has gathered, when that is much.</summary>
    public void FlushIfLong()
    {
        if (Json.BytesPending + _buffer.WrittenCount > ChunkBytes)
            Flush();
    }

    public void Dispose()
    {
        Flush();
        Json.Dispose();
        _target.WriteLine();
    }

    private void Statistic(Statistic statistic)
    {
        Json.WriteStartObject();
        Figures(new MemoryAmount(statistic.Size, statistic.Count), new MemoryAmount(statistic.SizeError, statistic.CountError));
        About(statistic);
        Json.WriteEndObject();
    }

    /// <summary>Writes what a statistic is about, as properties.</summary>
    private void About(Statistic statistic)
    {
        if (statistic.Type is { } type)
            Type(type);

        if (statistic.Retained is { } retained)
            Json.WriteNumber("retained", retained);

        if (statistic.Types.Count > 0)
            Types("types", statistic.Types);

        if (statistic.Domain is not null)
            Json.WriteString("domain", statistic.Domain);

        if (statistic.Thread is { } thread)
        {
            Json.WriteStartObject("thread");
            Json.WriteNumber("id", thread.OsId);
            Json.WriteString("name", thread.Name);
            Json.WriteNumber("interpreter", thread.Interpreter);
            Json.WriteEndObject();
        }

        if (statistic.Process is { } process)
        {
            Json.WriteStartObject("process");
            Json.WriteNumber("pid", process.Pid);
            Json.WriteString("command", process.Command);
            Json.WriteEndObject();
        }

        if (statistic.Expression is { } expression)
        {
            Json.WriteStartObject("expression");
            Json.WriteNumber("column", expression.FirstColumn);
            Json.WriteNumber("end_lineno", expression.EndLine);
            Json.WriteNumber("end_column", expression.EndColumn);
            Json.WriteEndObject();
        }

        Traceback(statistic.Traceback);
    }

    /// <summary>Writes what blocks are, as properties.</summary>
    private void Type(BlockType type)
    {
        Json.WriteString("type", type.Type);
        Json.WriteString("kind", type.Kind);
    }

    private void Types(string name, IReadOnlyList<TypeAmount> types)
    {
        Json.WriteStartArray(name);
        foreach (var type in types)
        {
            Json.WriteStartObject();
            Type(type.Type);
            Figures(new MemoryAmount(type.Size, type.Count));
            Json.WriteEndObject();
        }

        Json.WriteEndArray();
    }

    private void Flush()
    {
        Json.Flush();
        _target.Write(Encoding.UTF8.GetString(_buffer.WrittenSpan));
        _buffer.ResetWrittenCount();
    }
}
