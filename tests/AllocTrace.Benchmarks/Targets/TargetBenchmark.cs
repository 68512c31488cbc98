using System.Globalization;

namespace AllocTrace.Benchmarks.Targets;

/// <summary>Measures the cost of tracing: runs every program in every mode, in turns, and takes the least of several runs.</summary>
internal static class TargetBenchmark
{
    /// <param name="command">The <c>alloctrace</c> executable.</param>
    /// <param name="interpreter">The CPython that runs the programs.</param>
    /// <param name="runs">The number of runs of each program in each mode.</param>
    /// <param name="times">The number of times that a program repeats its work in one process.</param>
    /// <param name="only">The names of groups of programs (folders), programs and modes to run; empty for all of them.</param>
    public static void Run(string command, string interpreter, int runs, int times, string[] only)
    {
        var folder = Directory.CreateTempSubdirectory("alloctrace-benchmark-").FullName;
        try
        {
            var runner = new TargetRunner(command, interpreter, times, folder);
            Mode[] all = [Mode.Untraced, Mode.EmptyHook(runner.EmptyHook), Mode.Exact, Mode.Sampled, Mode.Tracemalloc1, Mode.Tracemalloc25, Mode.Memray];
            var wanted = Array.FindAll(all, mode => Array.Exists(only, name => name == mode.Name));
            Mode[] modes = [.. (wanted is [] ? all : wanted.Prepend(Mode.Untraced).Distinct()).Where(mode => mode != Mode.Memray || runner.Has("memray._memray"))];
            var programs = TargetProgram.All();
            if (only.Except(all.Select(mode => mode.Name)).Any())
                programs = Array.FindAll(programs, program => only.Contains(program.Name) || only.Contains(program.Group));

            var measured = new Dictionary<(TargetProgram Program, Mode Mode), List<Measurement>>();
            for (var run = 0; run < runs; run++)
            {
                foreach (var program in programs)
                {
                    foreach (var mode in modes)
                    {
                        Console.Error.WriteLine($"{run + 1}/{runs} {program.Name}, {mode.Name}");
                        if (!measured.TryGetValue((program, mode), out var list))
                            measured[(program, mode)] = list = [];
                        list.Add(runner.Run(mode, program.Path));
                    }
                }
            }
            foreach (var group in programs.GroupBy(program => program.Group))
            {
                Console.WriteLine($"\n# {group.Key}");
                new TargetTable([.. group], modes, measured).Write(Console.Out);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
