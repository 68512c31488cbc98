using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace AllocTrace.Report.Render;

/// <summary>
/// A report under construction: lines and tables of text. In a pipe it is plain text with whole lines; on a terminal it has the terminal's
/// width, and colors if they are wanted.
/// </summary>
internal sealed class Page
{
    /// <summary>For names of columns.</summary>
    public static readonly Style Heading = new(decoration: Decoration.Bold);

    /// <summary>The style of explanations.</summary>
    public static readonly Style Dim = new(decoration: Decoration.Dim);

    /// <summary>The style of warnings.</summary>
    public static readonly Style Alarm = new(Spectre.Console.Color.Red, decoration: Decoration.Bold);

    private const int Unlimited = 32_000;

    private readonly TextWriter _target;
    private readonly bool _ascii;
    private readonly StringWriter _buffer = new();
    private readonly IAnsiConsole _console;

    public Page(Output output)
    {
        _target = output.Out;
        _ascii = output.Ascii;
        TerminalWidth = output.TerminalWidth;
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = output.Color ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = output.Color ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
            Out = new AnsiConsoleOutput(_buffer),
        });
        _console.Profile.Encoding = Encoding.UTF8;
    }

    /// <summary>Columns of the terminal, or <see langword="null"/> when lines may have any length.</summary>
    public int? TerminalWidth { get; }

    /// <summary>A table without lines, its columns as wide as what is in them.</summary>
    public static Table NewTable(params ReadOnlySpan<(string Name, Justify Alignment)> columns)
    {
        var table = new Table().NoBorder();
        foreach (var (name, alignment) in columns)
        {
            table.AddColumn(new TableColumn(new Text(name, Heading))
            {
                Alignment = alignment,
                NoWrap = true,
                Padding = new Padding(0, 0, 2, 0),
            });
        }

        table.Columns[^1].Padding = new Padding(0);

        return table;
    }

    /// <summary>
    /// Writes a line of text; what is not printable in it is replaced. A long one is left to the terminal to wrap, so that what is copied
    /// from there, a command or a path, is still whole.
    /// </summary>
    public void Line(string text = "", Style? style = null)
    {
        _console.Profile.Width = Unlimited;
        _console.Write(new Text(Printable.Text(text) + "\n", style));
        Flush();
    }

    /// <summary>Writes a table, indented by <paramref name="indent"/> columns; no narrower than <paramref name="leastWidth"/>, so that nothing in it is cut.</summary>
    public void Table(Table table, int indent = 0, int leastWidth = 0)
    {
        _console.Profile.Width = Math.Max(TerminalWidth ?? Unlimited, leastWidth);
        _console.Write(indent == 0 ? table : new Padder(table, new Padding(indent, 0, 0, 0)));
        Flush();
    }

    private void Flush()
    {
        // Spectre pads the last column too, which only shows when somebody copies it.
        foreach (var line in _buffer.GetStringBuilder().ToString().TrimEnd('\n').Split('\n'))
            _target.WriteLine(_ascii ? AsciiText.Of(line.TrimEnd()) : line.TrimEnd());

        _buffer.GetStringBuilder().Clear();
    }
}
