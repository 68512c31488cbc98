using AllocTrace.Storage;
using Parquet;
using Parquet.Schema;

namespace AllocTrace.Report.Export.Lake;

/// <summary>
/// The column of whole stacks: lists of (filename, lineno, function), innermost first, empty without a Python frame. A list of structs is a column for each
/// member, whose repetition levels say where a list begins (0) and continues (1), and whose definition levels say that a list is empty.
/// </summary>
internal sealed class StackColumn : LakeColumn
{
    private readonly StackTable _stacks;
    private readonly DataField<string> _filename = new("filename", nullable: false), _function = new("function", nullable: false);
    private readonly DataField<int> _line = new("lineno");
    private readonly ListField _field;
    private readonly List<ReadOnlyMemory<char>> _filenames = [], _functions = [];
    private readonly List<int> _lines = [], _repetition = [], _definition = [];

    public StackColumn(StackTable stacks)
    {
        _stacks = stacks;
        _field = new ListField("stack", new StructField("element", _filename, _line, _function));
    }

    public override Field Field => _field;

    /// <summary>The number of frames that wait for their row group.</summary>
    public int Frames => _lines.Count;

    public override void Add(in LakeRow row)
    {
        if (row.Stack == 0)
        {
            _repetition.Add(0);
            _definition.Add(_field.MaxDefinitionLevel - 1);
        }

        var isFirst = true;
        for (var stack = row.Stack; stack != 0; stack = _stacks.Caller[stack], isFirst = false)
        {
            var code = _stacks.Codes[_stacks.Code[stack]];
            _filenames.Add(_stacks.Codes.Text(code.Filename).AsMemory());
            _lines.Add(_stacks.Line[stack]);
            _functions.Add(_stacks.Codes.Text(code.Function).AsMemory());
            _repetition.Add(isFirst ? 0 : 1);
            _definition.Add(_filename.MaxDefinitionLevel);
        }
    }

    public override async Task Write(ParquetRowGroupWriter group)
    {
        ReadOnlyMemory<int> repetition = _repetition.ToArray(), definition = _definition.ToArray();
        await group.WriteAllPartsAsync<ReadOnlyMemory<char>>(_filename, _filenames.ToArray(), definition, repetition, CancellationToken.None);
        await group.WriteAllPartsAsync<int>(_line, _lines.ToArray(), definition, repetition, CancellationToken.None);
        await group.WriteAllPartsAsync<ReadOnlyMemory<char>>(_function, _functions.ToArray(), definition, repetition, CancellationToken.None);
        _filenames.Clear();
        _lines.Clear();
        _functions.Clear();
        _repetition.Clear();
        _definition.Clear();
    }
}
