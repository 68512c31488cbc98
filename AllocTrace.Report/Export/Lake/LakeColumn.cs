using Parquet;
using Parquet.Schema;

namespace AllocTrace.Report.Export.Lake;

/// <summary>A column of the files: the values of the rows that wait for their row group.</summary>
internal abstract class LakeColumn
{
    public abstract Field Field { get; }

    public abstract void Add(in LakeRow row);

    /// <summary>Writes the values and forgets them.</summary>
    public abstract Task Write(ParquetRowGroupWriter group);
}

/// <summary>Takes a value of a row.</summary>
internal delegate T LakeValue<T>(in LakeRow row);

/// <summary>A column of texts, never NULL. Parquet.Net writes it with a dictionary when few of them differ.</summary>
internal sealed class TextColumn(string name, LakeValue<string> of) : LakeColumn
{
    private readonly DataField<string> _field = new(name, nullable: false);
    private readonly List<string> _values = [];

    public override Field Field => _field;

    public override void Add(in LakeRow row) => _values.Add(of(row));

    public override async Task Write(ParquetRowGroupWriter group)
    {
        await group.WriteAsync(_field, _values);
        _values.Clear();
    }
}

/// <summary>A column of 64-bit integers, never NULL.</summary>
internal sealed class NumberColumn(string name, LakeValue<long> of) : LakeColumn
{
    private readonly DataField<long> _field = new(name);
    private readonly List<long> _values = [];

    public override Field Field => _field;

    public override void Add(in LakeRow row) => _values.Add(of(row));

    public override async Task Write(ParquetRowGroupWriter group)
    {
        await group.WriteAsync<long>(_field, _values.ToArray().AsMemory());
        _values.Clear();
    }
}

/// <summary>A column of times in UTC, microseconds.</summary>
internal sealed class TimeColumn(string name, LakeValue<DateTimeOffset> of) : LakeColumn
{
    private readonly DateTimeDataField _field = new(name, DateTimeFormat.Timestamp, isAdjustedToUTC: true, DateTimeTimeUnit.Micros, isNullable: false);
    private readonly List<DateTime> _values = [];

    public override Field Field => _field;

    public override void Add(in LakeRow row) => _values.Add(of(row).UtcDateTime);

    public override async Task Write(ParquetRowGroupWriter group)
    {
        await group.WriteAsync<DateTime>(_field, _values.ToArray().AsMemory());
        _values.Clear();
    }
}
