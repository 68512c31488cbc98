using System.Text;

namespace AllocTrace.Report.Render;

/// <summary>Where a command writes: data to <see cref="Out"/>, notes and errors to <see cref="Error"/>.</summary>
internal sealed class Output : IDisposable
{
    private const int BufferBytes = 64 * 1024;

    /// <param name="dataWriter">Takes the data.</param>
    /// <param name="errorWriter">Takes notes and errors.</param>
    /// <param name="terminalWidth">Columns of the terminal that the data goes to, or <see langword="null"/> when it goes elsewhere.</param>
    /// <param name="color">Whether the terminal wants colours.</param>
    public Output(TextWriter dataWriter, TextWriter errorWriter, int? terminalWidth = null, bool color = false)
    {
        Out = dataWriter;
        Error = errorWriter;
        TerminalWidth = terminalWidth;
        Color = color && terminalWidth is not null;
    }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    /// <summary>Columns of the terminal, or <see langword="null"/>: a file or a pipe gets whole lines, however long.</summary>
    public int? TerminalWidth { get; }

    public bool Color { get; }

    /// <summary>The process's own standard output and error. A reader that goes away (<c>| head</c>) is not an error.</summary>
    public static Output ForConsole()
    {
        // Console.Out flushes every write, which a report of many lines would feel.
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var data = new StreamWriter(Console.OpenStandardOutput(), utf8, BufferBytes);
        return new Output(data, Console.Error, WidthUnless(Console.IsOutputRedirected), TerminalWantsColor);
    }

    /// <summary>The same, with data on the error output: while another program has the standard output.</summary>
    public Output OnError() => new(Error, Error, WidthUnless(Console.IsErrorRedirected), TerminalWantsColor);

    private static bool TerminalWantsColor =>
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") != "dumb";

    private static int? WidthUnless(bool redirected) => redirected ? null : Math.Max(Console.WindowWidth, 40);

    public void Dispose() => Out.Flush();
}
