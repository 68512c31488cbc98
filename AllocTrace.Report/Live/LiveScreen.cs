using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Sessions;

namespace AllocTrace.Report.Live;

/// <summary>The screen of <c>alloctrace live</c>: drawn anew for each snapshot and each key.</summary>
internal sealed class LiveScreen(LiveWatch watch, Output output, GroupBy groupBy, LiveOrder order) : IDisposable
{
    // xterm's and everybody's: the other screen, no cursor; up to the left corner; clear to the end of the line, of the screen.
    private const string Enter = "\x1b[?1049h\x1b[?25l", Leave = "\x1b[?25h\x1b[?1049l", Home = "\x1b[H", ClearLine = "\x1b[K", ClearRest = "\x1b[J";
    private const string Keys = "q quit   sort: s size  c count  r rate  t temporary   by: l line  u function  f file  h thread  p process";

    /// <summary>Lines that are not rows of the table: heading, totals, losses, names of columns, how many more, keys.</summary>
    private const int OtherLines = 9;

    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(3);

    private readonly Lock _drawing = new();
    private GroupBy _groupBy = groupBy;
    private LiveOrder _order = order;
    private IReadOnlyList<string> _files = [];
    private LiveSample? _sample, _before;
    private bool _isOpen;

    /// <summary>Shows the live memory until the recording ends, or until it is stopped.</summary>
    /// <returns>True if the recording is over.</returns>
    public bool Run(CancellationTokenSource stop)
    {
        output.Out.Write(Enter);
        output.Out.Write($"{Home}waiting for the first figures; q quits");
        output.Out.Flush();
        _isOpen = true;
        var reading = new Thread(() => ReadKeys(stop)) { IsBackground = true };
        reading.Start();
        while (!stop.IsCancellationRequested)
        {
            var files = watch.Next(_timeout, stop.Token);
            if (stop.IsCancellationRequested)
                return false;

            if (files.Count == 0)
                return true;

            lock (_drawing)
            {
                _files = files;
                if (TryLoad() is not { } sample)
                    continue;

                (_before, _sample) = (_sample, sample);
                Draw();
            }
        }

        return false;
    }

    public void Dispose()
    {
        lock (_drawing)
        {
            if (_isOpen)
                output.Out.Write(Leave);

            _isOpen = false;
            output.Out.Flush();
        }
    }

    private void ReadKeys(CancellationTokenSource stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var key = char.ToLowerInvariant(Console.ReadKey(intercept: true).KeyChar);
            lock (_drawing)
            {
                if (!_isOpen)
                    return;

                if (key == 'q')
                    stop.Cancel();
                else
                    Change(key);
            }
        }
    }

    private void Change(char key)
    {
        _order = key switch { 's' => LiveOrder.Size, 'c' => LiveOrder.Count, 'r' => LiveOrder.Rate, 't' => LiveOrder.Temporary, _ => _order };
        var groupBy = key switch
        {
            'l' => GroupBy.Lineno,
            'u' => GroupBy.Function,
            'f' => GroupBy.Filename,
            'h' => GroupBy.Thread,
            'p' => GroupBy.Process,
            _ => _groupBy,
        };
        if (groupBy != _groupBy)
        {
            // Other groups have no earlier figures: rates come with the next snapshot.
            _groupBy = groupBy;
            (_before, _sample) = (null, TryLoad());
        }

        Draw();
    }

    /// <returns><see langword="null"/> when a process ended meanwhile.</returns>
    private LiveSample? TryLoad()
    {
        try
        {
            return LiveSample.Load(_files, _groupBy);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private void Draw()
    {
        if (_sample is null || !_isOpen)
            return;

        var text = new StringWriter();
        using var frame = new Output(text, TextWriter.Null, output.TerminalWidth, output.Color) { Ascii = output.Ascii };
        var page = new Page(frame);
        var rows = Math.Max(1, (Console.WindowHeight - OtherLines) / 2); // each may have a line of source below it
        new LiveReport(_sample, _before, _groupBy, _order).Write(page, rows);
        page.Line();
        page.Line(output.TerminalWidth is { } width && Keys.Length > width ? Keys[..width] : Keys, Page.Dim);
        output.Out.Write(Home);
        foreach (var line in text.ToString().TrimEnd('\n').Split('\n').Take(Console.WindowHeight - 1))
            output.Out.Write($"{line}{ClearLine}\n");

        output.Out.Write(ClearRest);
        output.Out.Flush();
    }
}
