using System.Globalization;

namespace AllocTrace.Benchmarks.Targets;

/// <summary>Prints the tables of docs/performance.md.</summary>
internal sealed class TargetTable(TargetProgram[] programs, Mode[] modes, Dictionary<(TargetProgram Program, Mode Mode), List<Measurement>> measured)
{
    public void Write(TextWriter writer)
    {
        var watched = modes[1..];
        Ratios(writer, "CPU of the program", watched, (mode, program) => Target(mode, program).Cpu);
        Ratios(writer, "CPU with the collector", [.. watched.Where(mode => mode.Collector is not null)], (mode, program) => Whole(mode, program).Cpu);
        Ratios(writer, "Time passed, until the database is there", watched, (mode, program) => Whole(mode, program).Wall);
        Ratios(writer, "Resident memory of the program", watched, (mode, program) => Target(mode, program).Resident);
        foreach (var mode in watched.Where(mode => mode.Collector is not null))
            Sizes(writer, mode);
    }

    private Usage Target(Mode mode, TargetProgram program) => Usage.Least(measured[(program, mode)].Select(run => run.Target));

    private Usage Whole(Mode mode, TargetProgram program) => Usage.Least(measured[(program, mode)].Select(run => run.Whole));

    private void Ratios(TextWriter writer, string title, Mode[] columns, Func<Mode, TargetProgram, double> value)
    {
        if (columns is [])
            return;
        writer.WriteLine($"\n{title}, relative to untraced\n");
        writer.WriteLine($"| | untraced | {string.Join(" | ", columns.Select(mode => mode.Name))} |");
        writer.WriteLine($"|---|---|{string.Concat(columns.Select(_ => "---|"))}");
        foreach (var program in programs)
        {
            var alone = value(Mode.Untraced, program);
            writer.WriteLine($"| {program.Title} | {Text(alone)} | {string.Join(" | ", columns.Select(mode => Ratio(value(mode, program) / alone)))} |");
        }
        double Mean(Mode mode) => Math.Exp(programs.Average(program => Math.Log(value(mode, program) / value(Mode.Untraced, program))));
        double Worst(Mode mode) => programs.Max(program => value(mode, program) / value(Mode.Untraced, program));
        writer.WriteLine($"| **geometric mean** | | {string.Join(" | ", columns.Select(mode => $"**{Ratio(Mean(mode))}**"))} |");
        writer.WriteLine($"| **worst** | | {string.Join(" | ", columns.Select(mode => $"**{Ratio(Worst(mode))}**"))} |");
    }

    private void Sizes(TextWriter writer, Mode mode)
    {
        writer.WriteLine($"\nWhat was recorded, {mode.Name}\n");
        writer.WriteLine("| | million events | million a second of the program | database | memory added |");
        writer.WriteLine("|---|---|---|---|---|");
        foreach (var program in programs)
        {
            var run = measured[(program, mode)][0];
            var added = Target(mode, program).Resident - Target(Mode.Untraced, program).Resident;
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {program.Title} | {run.Events / 1e6:F1} | {run.Events / 1e6 / Target(mode, program).Cpu:F1} | {run.DatabaseBytes / 1e6:F2} MB | {added / (1 << 20):F1} MiB |"));
        }
    }

    private static string Ratio(double ratio) => ratio.ToString("F2", CultureInfo.InvariantCulture) + "×";

    // Seconds, or bytes of memory.
    private static string Text(double value) =>
        value < 1e5 ? value.ToString("F2", CultureInfo.InvariantCulture) + " s" : (value / (1 << 20)).ToString("F1", CultureInfo.InvariantCulture) + " MiB";
}
