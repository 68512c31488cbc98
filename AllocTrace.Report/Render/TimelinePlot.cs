using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Render;

/// <summary>A plot of memory over time in characters: live bytes as columns, resident memory as dots, and below it what happened when.</summary>
internal sealed class TimelinePlot
{
    private const char Peak = '▲';
    private const int Rows = 12;
    private const int WidthInPipe = 80;
    private const int AxisWidth = 11;
    private const int WidestPlot = 160;

    private readonly Page _page;
    private readonly IReadOnlyList<TraceSlice> _slices;
    private readonly IReadOnlyList<TraceSnapshot> _snapshots;
    private readonly IReadOnlyList<TraceLoss> _losses;
    private readonly int _width;
    private readonly long _end;
    private readonly long _top;

    public TimelinePlot(Page page, IReadOnlyList<TraceSlice> slices, IReadOnlyList<TraceSnapshot> snapshots, IReadOnlyList<TraceLoss> losses)
    {
        _page = page;
        _slices = slices;
        _snapshots = snapshots;
        _losses = losses;
        _width = Math.Min((page.TerminalWidth ?? WidthInPipe) - AxisWidth - 1, WidestPlot);
        _end = Math.Max(slices.Max(slice => slice.EndNs), 1);
        _top = Math.Max(slices.Max(slice => Math.Max(slice.HighestBytes, slice.ResidentBytes ?? 0)), 1);
    }

    public void Write()
    {
        var live = Column(slice => slice.HighestBytes, slice => slice.LiveBytes);
        var resident = Column(slice => slice.ResidentBytes, slice => slice.ResidentBytes);
        for (var row = Rows - 1; row >= 0; row--)
        {
            var label = row == Rows - 1 ? ByteSize.Format(_top) : row == Rows / 2 ? ByteSize.Format((double)_top * row / Rows) : row == 0 ? "0 B" : "";
            var line = Enumerable.Range(0, _width).Select(x => Cell(row, live[x], resident[x]));
            _page.Line($"{label,AxisWidth - 2} {(label == "" ? '│' : '┤')}{string.Concat(line)}");
        }

        _page.Line($"{"",AxisWidth - 1}└{new string('─', _width)}");
        WriteMarks();
        var end = Numbers.Seconds(_end);
        _page.Line($"{"",AxisWidth}0{end.PadLeft(_width - 1)}");
        _page.Line();
        _page.Line($"{"",AxisWidth}█ live{(resident.Any(value => value is not null) ? "   • resident, of the whole process" : "")}", Page.Dim);
        foreach (var (mark, at, text) in Marks())
            _page.Line($"{"",AxisWidth}{mark} {text} after {Numbers.Seconds(at)}");

        foreach (var loss in _losses.Where(loss => loss.FirstNs is not null))
            _page.Line($"{"",AxisWidth}! {Numbers.Of(loss.Events, "event")} lost ({loss.Reason.Word()}) after {Numbers.Seconds(loss.FirstNs!.Value)}", Page.Alarm);
    }

    /// <summary>For each column of the plot the highest value of the slices in its time; between slices what was there after the last.</summary>
    private long?[] Column(Func<TraceSlice, long?> highest, Func<TraceSlice, long?> after)
    {
        var columns = new long?[_width];
        long? before = null;
        var first = 0;
        for (var x = 0; x < _width; x++)
        {
            double start = (double)_end * x / _width, end = (double)_end * (x + 1) / _width;
            for (; first < _slices.Count && _slices[first].EndNs <= start; first++)
                before = after(_slices[first]) ?? before;

            var value = default(long?);
            for (var i = first; i < _slices.Count && _slices[i].StartNs < end; i++)
                value = highest(_slices[i]) is { } bytes ? Math.Max(bytes, value ?? 0) : value;

            columns[x] = value ?? before;
        }

        return columns;
    }

    private char Cell(int row, long? live, long? resident)
    {
        var eighths = Math.Clamp((int)Math.Ceiling((double)(live ?? 0) / _top * Rows * 8) - (row * 8), 0, 8);
        if (resident is { } bytes && (int)Math.Min((double)bytes / _top * Rows, Rows - 1) == row && eighths < 8)
            return '•';

        return eighths == 0 ? ' ' : Sparkline.Blocks[eighths - 1];
    }

    private void WriteMarks()
    {
        var line = Enumerable.Repeat(' ', _width).ToArray();
        foreach (var loss in _losses.Where(loss => loss.FirstNs is not null))
        {
            for (var x = XOf(loss.FirstNs!.Value); x <= XOf(loss.LastNs ?? loss.FirstNs.Value); x++)
                line[x] = '!';
        }

        // The peak is often just before the end, or at it: it is drawn last.
        foreach (var (mark, at, _) in Marks().OrderBy(each => each.Mark == Peak))
            line[XOf(at)] = mark;

        _page.Line($"{"",AxisWidth}{new string(line)}");
    }

    private int XOf(long ns) => (int)Math.Clamp((double)ns / _end * _width, 0, _width - 1);

    private IEnumerable<(char Mark, long AtNs, string Text)> Marks()
    {
        var letter = 'A';
        foreach (var snapshot in _snapshots.OrderBy(snapshot => snapshot.AtNs))
        {
            var size = $"{ByteSize.Format(snapshot.Bytes)} in {Numbers.Of(snapshot.Blocks, "block")}";
            yield return snapshot.Kind switch
            {
                SnapshotKind.Peak => (Peak, snapshot.AtNs, $"peak: {size}"),
                SnapshotKind.Live => ('◆', snapshot.AtNs, $"end: {size}"),
                _ => (letter, snapshot.AtNs, $"snapshot '{snapshot.Name}': {size}"),
            };
            if (snapshot.IsNamed)
                letter = letter == 'Z' ? 'a' : letter == 'z' ? 'A' : (char)(letter + 1);
        }
    }
}
