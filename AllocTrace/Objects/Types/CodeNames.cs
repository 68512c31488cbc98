using AllocTrace.Stacks;

namespace AllocTrace.Objects;

/// <summary>Reads the names and lines of code objects of an image.</summary>
internal sealed class CodeNames(PageReader memory, ValueReader values, PythonBuild build)
{
    private const long MostLocals = 1 << 12, MostTableBytes = 1 << 20;

    private readonly ObjectLayout _layout = build.Layout;
    private readonly PythonLayout _frames = build.Frames;
    private readonly Dictionary<ulong, string[]> _locals = [];

    /// <summary>Returns the qualified name of code (from 3.11 on; the name before).</summary>
    public string NameOf(ulong code) => values.Text(memory.Word(code, _frames.CodeQualname != 0 ? _frames.CodeQualname : _frames.CodeName)) ?? "?";

    /// <summary>Returns the name of code's file, without its folders.</summary>
    public string FileOf(ulong code) => Path.GetFileName(values.Text(memory.Word(code, _frames.CodeFilename)) ?? "?");

    /// <summary>Returns the line at which a frame is; that of its function when the line is not known.</summary>
    public int LineOf(ulong frame, ulong code)
    {
        var first = memory.Int32(code + (ulong)_frames.CodeFirstLine);
        var table = memory.Word(code, _frames.CodeLineTable);
        var bytes = new byte[Math.Clamp((long)memory.Word(table, _frames.ObjectSize), 0, MostTableBytes)];
        if (table == 0 || !memory.TryRead(table + (ulong)_frames.BytesData, bytes))
            return first;

        var offset = _frames.PositionIsIndex
            ? (long)memory.Int32(frame + (ulong)_frames.FramePosition) * _frames.PositionUnit
            : (long)(memory.Word(frame, _frames.FramePosition) - (code + (ulong)_frames.CodeBytecode));
        return offset is < 0 or > int.MaxValue ? first : LineTable.Line(_frames.LineFormat, bytes, first, (int)(offset / 2)) is var line and > 0 ? line : first;
    }

    /// <summary>Returns the names of locals, cells and free variables, in the order in which a frame has them.</summary>
    public string[] LocalsOf(ulong code)
    {
        if (_locals.TryGetValue(code, out var names))
            return names;

        names = _layout.Minor >= 11
            ? [.. Names("code.all_names", memory.Int32(code + (ulong)_layout["code.all_locals"]))]
            : [.. Names("code.variable_names", memory.Int32(code + (ulong)_layout["code.locals"])), .. Names("code.cell_names"), .. Names("code.free_names")];
        _locals[code] = names;
        return names;

        IEnumerable<string> Names(string member, long count = long.MaxValue)
        {
            var tuple = memory.Word(code, _layout[member]);
            count = Math.Min(count, Math.Min((long)memory.Word(tuple, _layout.SizeWord), MostLocals));
            for (var i = 0L; i < count; i++)
                yield return values.Text(memory.Word(tuple + (ulong)(_layout.TupleItems + (i * 8)))) ?? "?";
        }
    }
}
