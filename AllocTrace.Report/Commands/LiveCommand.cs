using System.CommandLine;

using AllocTrace.Analysis;
using AllocTrace.Report.Live;
using AllocTrace.Report.Render;
using AllocTrace.Sessions;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace live</c>: shows the live memory of a running recording, second by second.</summary>
internal static class LiveCommand
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(30);

    public static Command Create(Output output)
    {
        var pid = new Argument<uint>("PID") { Description = "A process that is being recorded; the other processes of its recording are shown too." };
        var groupBy = WordOption.Create<LiveGroup>("--group-by", "The key of the groups: lineno, function, filename, thread or process.", "KEY", "-g");
        var order = WordOption.Create<LiveOrder>("--sort", "The column to sort by, largest first: size, count, rate (bytes allocated per second) or temporary (bytes per second).", "KEY", "-s");
        var rows = WordOption.Number("-n", "The number of rows with --once; 0 for all.", "N", defaultValue: 10);
        var once = new Option<bool>("--once") { Description = "Print the state after one second, and exit. Implied when the output is not a terminal." };
        var command = new Verb(
            "live",
            "Shows the live memory of a process that is being recorded, second by second. Keys sort and group; q quits, and the recording continues.",
            "alloctrace live 4711",
            "alloctrace live 4711 --once --sort rate --group-by function")
        {
            pid, groupBy, order, rows, once,
        };
        command.SetAction(parsed =>
        {
            using var interrupt = new Interrupt();
            using var watch = new LiveWatch(parsed.GetValue(pid));
            var isOnce = parsed.GetValue(once) || output.TerminalWidth is null || Console.IsInputRedirected;
            var (group, first) = (Enum.Parse<GroupBy>(parsed.GetValue(groupBy).ToString()), parsed.GetValue(order));
            if (isOnce)
                return Once(watch, output, group, first, parsed.GetValue(rows), interrupt.Token);

            bool isOver;
            using (var screen = new LiveScreen(watch, output, group, first))
                isOver = screen.Run(interrupt.Source);

            if (isOver)
                output.Error.WriteLine($"alloctrace: process {parsed.GetValue(pid)} is no longer recorded");

            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>Two live snapshots, for the rates.</summary>
    private static int Once(LiveWatch watch, Output output, GroupBy groupBy, LiveOrder order, int rows, CancellationToken stop)
    {
        var before = LiveSample.Load(watch.Next(_timeout, stop), groupBy);
        var sample = LiveSample.Load(watch.Next(_timeout, stop), groupBy);
        if (sample.Processes.Count == 0)
            throw new IOException(before.Processes.Count == 0 ? "the collector did not answer: no state of live memory was written" : "the recording has ended");

        new LiveReport(sample, before, groupBy, order).Write(new Page(output), rows == 0 ? int.MaxValue : rows);
        return ExitCode.Done;
    }

    /// <summary>The groups that make sense on a screen, named as <see cref="GroupBy"/>.</summary>
    private enum LiveGroup
    {
        Lineno,
        Function,
        Filename,
        Thread,
        Process,
    }
}
