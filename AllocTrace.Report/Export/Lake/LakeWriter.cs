using System.IO.Compression;
using AllocTrace.Storage;
using Parquet;
using Parquet.Schema;

namespace AllocTrace.Report.Export.Lake;

/// <summary>
/// Writes rows into a file in Apache Parquet's format, row group by row group: what waits is bounded by rows and by frames. docs/lake.md has the columns.
/// </summary>
internal sealed class LakeWriter : IAsyncDisposable
{
    /// <summary>Readers take a row group at a time, and skip by its statistics: of this many rows it is some MiB.</summary>
    private const int MostRows = 1 << 16, MostFrames = 1 << 20;

    /// <summary>Texts are written as a dictionary unless more than this share of them differs in a row group.</summary>
    private const double Uniqueness = 0.8;

    private readonly StackColumn _stack;
    private readonly LakeColumn[] _columns;
    private readonly ParquetWriter _writer;
    private int _rows;

    private LakeWriter(StackColumn stack, LakeColumn[] columns, ParquetWriter writer)
    {
        _stack = stack;
        _columns = columns;
        _writer = writer;
    }

    /// <summary>The number of rows that were added.</summary>
    public long Rows { get; private set; }

    /// <summary>Begins a file.</summary>
    /// <param name="database">The recording.</param>
    /// <param name="target">Gets the file; can be sought.</param>
    /// <param name="isPartitioned">True if service and date are in the names of folders, and so not in the file.</param>
    public static async Task<LakeWriter> Create(TraceDatabase database, Stream target, bool isPartitioned)
    {
        var stack = new StackColumn(database.Stacks);
        LakeColumn[] columns = [.. isPartitioned ? [] : Partitions(), .. Columns(database.Stacks), stack];
        var schema = new ParquetSchema(columns.Select(column => column.Field));
        var options = new ParquetOptions { CompressionMethod = CompressionMethod.Zstd, CompressionLevel = CompressionLevel.Optimal, DictionaryEncodingThreshold = Uniqueness };
        foreach (var field in schema.DataFields.Where(field => field.ClrType == typeof(ReadOnlyMemory<char>))) // Parquet.Net's name for texts
            options.ColumnEncodingHints[field.Path.ToString()] = EncodingHint.Dictionary;

        return new LakeWriter(stack, columns, await ParquetWriter.CreateAsync(schema, target, options));
    }

    /// <summary>Adds a row.</summary>
    public void Add(in LakeRow row)
    {
        foreach (var column in _columns)
            column.Add(row);

        Rows++;
        if (++_rows == MostRows || _stack.Frames >= MostFrames)
            Flush().GetAwaiter().GetResult(); // files are written synchronously
    }

    /// <summary>Completes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_rows > 0)
            await Flush();

        await _writer.DisposeAsync();
    }

    /// <summary>The date by which files are partitioned: when the recording of the process began, in UTC.</summary>
    public static string DateOf(TraceProcess process) => process.StartedAt.UtcDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);

    private static LakeColumn[] Partitions() =>
    [
        new TextColumn("service", (in row) => row.Owner.Service),
        new TextColumn("date", (in row) => DateOf(row.Owner.Process)),
    ];

    private static LakeColumn[] Columns(StackTable stacks) =>
    [
        new TextColumn("host", (in row) => row.Owner.Host),
        new NumberColumn("pid", (in row) => row.Owner.Process.Pid),
        new NumberColumn("parent_pid", (in row) => row.Owner.Process.ParentPid),
        new TextColumn("command", (in row) => row.Owner.Process.Command),
        new TextColumn("python_version", (in row) => row.Owner.Process.PythonVersion),
        new TimeColumn("started_at", (in row) => row.Owner.Process.StartedAt),
        new NumberColumn("duration_ns", (in row) => row.Owner.Process.DurationNs),
        new TextColumn("ending", (in row) => row.Owner.Process.Ending.Word()),
        new NumberColumn("sample_bytes", (in row) => row.Owner.Process.SampleBytes),
        new TextColumn("moment", (in row) => row.Moment.Kind),
        new TextColumn("moment_name", (in row) => row.Moment.Name),
        new TimeColumn("moment_from", (in row) => At(row, row.Moment.FromNs)),
        new TimeColumn("moment_at", (in row) => At(row, row.Moment.AtNs)),
        new TextColumn("thread", (in row) => row.Thread.Name),
        new NumberColumn("thread_id", (in row) => row.Thread.OsId),
        new NumberColumn("interpreter", (in row) => row.Thread.Interpreter),
        new TextColumn("domain", (in row) => row.Domain),
        new TextColumn("filename", (in row) => row.Stack == 0 ? "" : stacks.Codes.Text(stacks.Codes[stacks.Code[row.Stack]].Filename)),
        new NumberColumn("lineno", (in row) => row.Stack == 0 ? 0 : stacks.Line[row.Stack]),
        new TextColumn("function", (in row) => row.Stack == 0 ? "" : stacks.Codes.Text(stacks.Codes[stacks.Code[row.Stack]].Function)),
        new NumberColumn("live_bytes", (in row) => row.Live.Bytes),
        new NumberColumn("live_blocks", (in row) => row.Live.Blocks),
        new NumberColumn("allocated_bytes", (in row) => row.Allocated.Bytes),
        new NumberColumn("allocated_blocks", (in row) => row.Allocated.Blocks),
        new NumberColumn("freed_bytes", (in row) => row.Freed.Bytes),
        new NumberColumn("freed_blocks", (in row) => row.Freed.Blocks),
        new NumberColumn("temporary_bytes", (in row) => row.Temporary.Bytes),
        new NumberColumn("temporary_blocks", (in row) => row.Temporary.Blocks),
    ];

    private static DateTimeOffset At(in LakeRow row, long ns) => row.Owner.Process.StartedAt.AddTicks(ns / TimeSpan.NanosecondsPerTick);

    private async Task Flush()
    {
        using (var group = _writer.CreateRowGroup())
        {
            foreach (var column in _columns)
                await column.Write(group);

            group.CompleteValidate();
        }

        _rows = 0;
    }
}
