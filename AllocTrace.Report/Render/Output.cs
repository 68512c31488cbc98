using System.Text;

namespace AllocTrace.Report.Render;

/// <summary>The outputs of a command: data to <see cref="Out"/>, notes and errors to <see cref="Error"/>.</summary>
internal sealed class Output : IDisposable
{
    private const int BufferBytes = 64 * 1024;

    /// <summary>For terminals that do not say how wide they are, and those that nothing fits into.</summary>
    private const int UsualWidth = 80;
    private const int NarrowestWidth = 40;

    private readonly Lazy<int?> _terminalWidth;
    private readonly bool _wantsColor;

    /// <param name="dataWriter">Takes the data.</param>
    /// <param name="errorWriter">Takes notes and errors.</param>
    /// <param name="terminalWidth">
    /// The columns of the terminal to which data is written, or <see langword="null"/> if it is written elsewhere.
    /// </param>
    /// <param name="color">True if the terminal takes colors.</param>
    public Output(TextWriter dataWriter, TextWriter errorWriter, int? terminalWidth = null, bool color = false)
        : this(dataWriter, errorWriter, () => terminalWidth, color)
    {
    }

    private Output(TextWriter dataWriter, TextWriter errorWriter, Func<int?> terminalWidth, bool color)
    {
        Out = dataWriter;
        Error = errorWriter;
        _terminalWidth = new Lazy<int?>(terminalWidth);
        _wantsColor = color;
    }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    /// <summary>The data as bytes, for what is not text; <see cref="Out"/> must be flushed before.</summary>
    public Stream Bytes { get; init; } = Stream.Null;

    /// <summary>Columns of the terminal, or <see langword="null"/>: a file or a pipe gets whole lines, however long.</summary>
    /// <remarks>Asked for only when it is needed: .NET changes the terminal's settings to answer, and a command that is run has it before.</remarks>
    public int? TerminalWidth => _terminalWidth.Value;

    public bool Color => _wantsColor && TerminalWidth is not null;

    /// <summary>True if reports have to do with the characters of ASCII, as the locale's are not those of UTF-8. Data is UTF-8 always.</summary>
    public bool Ascii { get; init; }

    /// <summary>
    /// Creates the output of the process's own standard output and error. A reader that ends early (<c>| head</c>) is not an error.
    /// </summary>
    public static Output ForConsole()
    {
        // Console.Out flushes every write, which a report of many lines would feel.
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var bytes = Console.OpenStandardOutput();
        var data = new StreamWriter(bytes, utf8, BufferBytes);
        return new Output(data, Console.Error, () => WidthUnless(Console.IsOutputRedirected), TerminalWantsColor) { Bytes = bytes, Ascii = IsOtherLocale };
    }

    /// <summary>
    /// Returns an output that writes data to the error output, for the time that another program has the standard output.
    /// </summary>
    public Output OnError() => new(Error, Error, () => WidthUnless(Console.IsErrorRedirected), TerminalWantsColor) { Ascii = Ascii };

    private static bool TerminalWantsColor =>
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") != "dumb";

    // The first of them that is set counts. Where none is, as in many containers, the terminal is nearly always one that knows UTF-8.
    private static bool IsOtherLocale =>
        new[] { "LC_ALL", "LC_CTYPE", "LANG" }.Select(Environment.GetEnvironmentVariable).FirstOrDefault(value => !string.IsNullOrEmpty(value)) is { } locale
        && !locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase) && !locale.Contains("utf8", StringComparison.OrdinalIgnoreCase);

    private static int? WidthUnless(bool redirected) =>
        redirected ? null : Console.WindowWidth is > 0 and var width ? Math.Max(width, NarrowestWidth) : UsualWidth;

    public void Dispose() => Out.Flush();
}
