using AllocTrace.Analysis;

namespace AllocTrace.Report.Render;

/// <summary>
/// A tree of calls as text, a frame a line. Only where calls part is there another level of indentation, and of a long run of frames that only pass
/// on, the first and the last are shown: stacks of any depth fit.
/// </summary>
/// <param name="page">The page to write to.</param>
/// <param name="rows">The largest number of lines; 0 for any number.</param>
/// <param name="percent">The share of the total below which frames are left out, in percent.</param>
/// <param name="isSampled">True to have a column for the errors of the sizes.</param>
internal sealed class CallTreeText(Page page, int rows, int percent, bool isSampled)
{
    private const int LongestRun = 8;
    private const string ImportFrames = "frame of the import system";
    private const int DeepestIndent = 24;

    private long _total;
    private SizeUnit _sizes = new([]);
    private int _written;
    private int _leftOut;

    public void Write(CallTree tree)
    {
        _total = tree.Root.All.Bytes;
        _sizes = new SizeUnit([_total]);
        page.Line($"{"Size",9}  {(isSampled ? $"{"±",9}  " : "")}{"%",6}  Where", Page.Heading);
        Line(Figures.All(tree.Root), "", "total");
        Branches(tree.Root, "");
        page.Line();
        if (_leftOut > 0)
            page.Line($"{Numbers.Of(_leftOut, "more line")}: -n 0 shows all");

        page.Line($"Total: {Numbers.Size(tree.Root.All.Bytes)}{Numbers.Error(tree.Root.AllError.Bytes)} in {Numbers.Of(tree.Root.All.Blocks, "block")}", Page.Heading);
    }

    private void Branches(CallNode node, string indent)
    {
        var children = node.Children;
        CallNode[] shown = [.. children.Where(child => IsLarge(child.All))];
        var rest = children.Skip(shown.Length).Aggregate(new Figures(), (sum, child) => new Figures(sum.Amount + child.All, sum.Variance + child.AllVariance));
        List<Action<string, string>> lines = [.. shown.Select(Action<string, string> (child) => (first, next) => Chain(child, first, next))];
        if (children.Count > 0 && IsLarge(node.Own))
            lines.Add((first, _) => Line(Figures.Own(node), first, "(by itself)"));
        if (IsLarge(rest.Amount))
            lines.Add((first, _) => Line(rest, first, $"({Numbers.Whole(children.Count - shown.Length)} more)"));

        for (var i = 0; i < lines.Count; i++)
            lines[i](indent + (i < lines.Count - 1 ? "├─ " : "└─ "), indent + (i < lines.Count - 1 ? "│  " : "   "));
    }

    /// <summary>A frame, and those below it as far as there is only one way worth showing.</summary>
    private void Chain(CallNode node, string first, string indent)
    {
        var run = new List<CallNode> { node };
        while (OnlyWay(run[^1]) is { } next)
            run.Add(next);

        var size = default(string);
        foreach (var (frame, folded, what) in Folded(run))
        {
            var text = _sizes.Format(frame.All.Bytes);
            Line(
                text == size ? null : Figures.All(frame),
                ReferenceEquals(frame, node) ? first : indent,
                folded > 1 ? $"⋮ {Numbers.Of(folded, what, what == ImportFrames ? "frames of the import system" : null)}" : Name(frame, indent));
            size = text;
        }

        Branches(run[^1], indent);
    }

    private CallNode? OnlyWay(CallNode node)
    {
        var children = node.Children;
        return children.Count > 0 && IsLarge(children[0].All) && !children.Skip(1).Any(child => IsLarge(child.All))
            && !IsLarge(new MemoryAmount(node.All.Bytes - children[0].All.Bytes, node.All.Blocks - children[0].All.Blocks))
            ? children[0]
            : null;
    }

    /// <summary>Chooses the frames to show of a run: frames of the import system stand together, and so does the middle of what is still long.</summary>
    private static IEnumerable<(CallNode Frame, int Folded, string What)> Folded(List<CallNode> run)
    {
        var parts = new List<(CallNode Frame, int Folded, string What)>();
        foreach (var frame in run)
        {
            var imports = parts.Count > 0 && frame != run[^1] && IsImport(frame);
            if (imports && parts[^1].What == ImportFrames)
                parts[^1] = parts[^1] with { Folded = parts[^1].Folded + 1 };
            else
                parts.Add((frame, 1, imports ? ImportFrames : "frame"));
        }

        if (parts.Count <= LongestRun)
            return parts;

        var middle = parts[(LongestRun / 2)..^(LongestRun / 2)];
        return [.. parts[..(LongestRun / 2)], (middle[0].Frame, middle.Sum(part => part.Folded), "frame"), .. parts[^(LongestRun / 2)..]];
    }

    private static bool IsImport(CallNode node) => node.Frame?.Filename.StartsWith("<frozen importlib", StringComparison.Ordinal) == true;

    // The order of children is by size: the large ones are a prefix. Everything has at least a share of 0.
    private bool IsLarge(MemoryAmount amount) => amount.Blocks > 0 && 100.0 * amount.Bytes >= (double)percent * _total;

    private string Name(CallNode node, string indent)
    {
        var width = page.TerminalWidth is { } columns ? Math.Max(columns - indent.Length - (isSampled ? 30 : 19), node.Frame is { } its ? Place.LeastWidth(its) : 16) : int.MaxValue;
        var name = Printable.Text(node.Frame is { } frame ? Place.Describe(frame, width) : Place.NoFrame);
        return name.Length <= width ? name : name[..(width - 1)] + "…";
    }

    private void Line(Figures? figures, string indent, string text)
    {
        if (rows > 0 && _written == rows)
        {
            _leftOut++;
            return;
        }

        _written++;
        if (indent.Length > DeepestIndent)
            indent = "…" + indent[^(DeepestIndent - 1)..];

        var size = figures is { } a ? _sizes.Format(a.Amount.Bytes) : "";
        var error = figures is { } b ? _sizes.Format(b.Variance.BytesError) : "";
        var share = figures is { } c ? Numbers.Percent(c.Amount.Bytes, _total) : "";
        page.Line($"{size,9}  {(isSampled ? $"{error,9}  " : "")}{share,6}  {indent}{text}");
    }

    /// <summary>The subject of a line.</summary>
    private readonly record struct Figures(MemoryAmount Amount, Variance Variance)
    {
        public static Figures All(CallNode node) => new(node.All, node.AllVariance);

        public static Figures Own(CallNode node) => new(node.Own, node.OwnVariance);
    }
}
