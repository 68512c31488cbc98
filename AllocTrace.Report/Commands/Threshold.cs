using System.CommandLine;
using AllocTrace.Analysis;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Commands;

/// <summary>A size that a report must not exceed, for scripts and CI: one line on the error output and an exit code of its own.</summary>
internal sealed class Threshold
{
    private readonly Option<long?> _option;
    private readonly Output _output;

    private Threshold(Option<long?> option, Output output)
    {
        _option = option;
        _output = output;
    }

    /// <summary><c>--fail-above</c>.</summary>
    /// <param name="command">Gets the option.</param>
    /// <param name="output">Where the line goes.</param>
    /// <param name="what">What must not be above it.</param>
    public static Threshold FailAbove(Command command, Output output, string what) => Create(command, output, "--fail-above", what);

    /// <summary><c>--fail-growth</c>.</summary>
    /// <param name="command">Gets the option.</param>
    /// <param name="output">Where the line goes.</param>
    /// <param name="what">What must not be above it.</param>
    public static Threshold FailGrowth(Command command, Output output, string what) => Create(command, output, "--fail-growth", what);

    /// <summary>Returns the exit code, and says why when it is not 0.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="what">What was measured, for the message.</param>
    /// <param name="bytes">How much it is.</param>
    public int Check(ParseResult parsed, string what, long bytes)
    {
        if (parsed.GetValue(_option) is not { } limit || bytes <= limit)
            return ExitCode.Done;

        _output.Out.Flush();
        _output.Error.WriteLine($"alloctrace: {Printable.Text(what)} {Numbers.Size(bytes)}, above {_option.Name} {ByteSize.Format(limit)}");
        return ExitCode.ThresholdExceeded;
    }

    private static Threshold Create(Command command, Output output, string name, string what)
    {
        var option = SizeOption.Create(name, $"Exit with code {ExitCode.ThresholdExceeded} when {what} is above SIZE (200MiB, 1.5G, …).");
        command.Add(option);
        return new Threshold(option, output);
    }
}
