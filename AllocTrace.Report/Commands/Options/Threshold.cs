using System.CommandLine;
using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

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
    /// <param name="output">The output for the line.</param>
    /// <param name="what">The measure that must not be above the threshold.</param>
    public static Threshold FailAbove(Command command, Output output, string what) => Create(command, output, "--fail-above", what);

    /// <summary><c>--fail-growth</c>.</summary>
    /// <param name="command">Gets the option.</param>
    /// <param name="output">The output for the line.</param>
    /// <param name="what">The measure that must not be above the threshold.</param>
    public static Threshold FailGrowth(Command command, Output output, string what) => Create(command, output, "--fail-growth", what);

    /// <summary>Returns whether there is anything to check.</summary>
    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_option) is not null;

    /// <summary>Returns the exit code, and says why when it is not 0.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="what">The measure, for the message.</param>
    /// <param name="bytes">The measured value, in bytes.</param>
    public int Check(ParseResult parsed, string what, long bytes)
    {
        if (parsed.GetValue(_option) is not { } limit || bytes <= limit)
            return ExitCode.Done;

        _output.Out.Flush();
        _output.Error.WriteLine($"alloctrace: {Printable.Text(what)} {Numbers.Size(bytes)}, above {_option.Name} {ByteSize.Format(limit)}");
        return ExitCode.ThresholdExceeded;
    }

    /// <summary>
    /// Fails a threshold that was held because it could not be exceeded: the recording is empty, or events are missing from it. A threshold that was
    /// exceeded stays so.
    /// </summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="code">The exit code so far.</param>
    /// <param name="databases">The recordings that were measured.</param>
    public int CheckMeasured(ParseResult parsed, int code, params IEnumerable<TraceDatabase> databases) =>
        CheckMeasured(parsed, code, databases.Select(database => Gap(database) is { } gap ? $"{database.Path} {gap}" : null).FirstOrDefault(gap => gap is not null));

    /// <summary>Returns the exit code for a measure, with a line if data for it are missing.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="code">The exit code so far.</param>
    /// <param name="gap">The missing data; <see langword="null"/> if nothing is missing.</param>
    public int CheckMeasured(ParseResult parsed, int code, string? gap)
    {
        if (gap is null || code != ExitCode.Done || parsed.GetValue(_option) is null)
            return code;

        _output.Out.Flush();
        _output.Error.WriteLine($"alloctrace: {_option.Name} cannot be checked: {Printable.Text(gap)}");
        return ExitCode.NothingMeasured;
    }

    /// <summary>Returns what keeps a recording from being checked. Allocations whose stack was not kept are counted all the same.</summary>
    private static string? Gap(TraceDatabase database)
    {
        if (database.Snapshots.All(snapshot => snapshot.Blocks == 0))
            return "holds no allocations";

        var lost = database.Losses.Where(loss => loss.Reason != LossReason.StackNotKept).ToArray();
        return lost.Length == 0 ? null : $"is incomplete ({string.Join(", ", lost.Select(loss => loss.Reason.Word()).Distinct())})";
    }

    private static Threshold Create(Command command, Output output, string name, string what)
    {
        var option = SizeOption.Create(name, $"Exit with code {ExitCode.ThresholdExceeded} when {what} is above SIZE (200MiB, 1.5G, …), or {ExitCode.NothingMeasured} when it cannot be checked.");
        command.Add(option);
        return new Threshold(option, output);
    }
}
