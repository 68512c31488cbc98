using AllocTrace.Benchmarks;
using AllocTrace.Benchmarks.Fleet;
using AllocTrace.Benchmarks.Targets;

// dotnet run -c Release --project tests/AllocTrace.Benchmarks -- replay
// dotnet run -c Release --project tests/AllocTrace.Benchmarks -- reports ALLOCTRACE [STACKS]
// dotnet run -c Release --project tests/AllocTrace.Benchmarks -- many-stacks FILE.db [STACKS [VERSION]]
// dotnet run -c Release --project tests/AllocTrace.Benchmarks -- targets ALLOCTRACE PYTHON RUNS[xTIMES] [GROUP, PROGRAM or MODE ...]
// dotnet run -c Release --project tests/AllocTrace.Benchmarks -- fleet RECORDED.db [PROCESSES [PERIODS [TURNS]]]
const int Million = 1_000_000;
switch (args)
{
    case ["replay"]:
        // Few blocks alive: their pages stay in the cache, as those of most programs do. Many: each free misses it.
        ReplayBenchmark.Run(documents: 10);
        ReplayBenchmark.Run(documents: 1000);
        return 0;
    case ["reports", var command, .. var stacks]:
        ReportBenchmark.Run(command, stacks is [var number] ? int.Parse(number) : Million);
        return 0;
    case ["many-stacks", var path, .. var stacks]:
        ManyStacks.Write(path, stacks is [var count, ..] ? int.Parse(count) : Million, stacks is [_, var version] ? int.Parse(version) : 1);
        return 0;
    case ["fleet", var recorded, .. var numbers]:
        FleetBenchmark.Run(
            recorded, numbers is [var processes, ..] ? int.Parse(processes) : 200, numbers is [_, var periods, ..] ? int.Parse(periods) : 8, numbers is [_, _, var turns] ? int.Parse(turns) : 1);
        return 0;
    case ["fleet-processes", .. var simulated]: // the other program of "fleet"
        SimulatedHost.Simulate(simulated[0], simulated[1], simulated[2], simulated[3]);
        return 0;
    case ["targets", var command, var interpreter, var runs, .. var only]:
        var counts = Array.ConvertAll(runs.Split('x'), int.Parse);
        TargetBenchmark.Run(command, interpreter, counts[0], counts is [_, var times] ? times : 1, only);
        return 0;
    default:
        Console.Error.WriteLine("wanted: replay, targets ALLOCTRACE PYTHON RUNS[xTIMES] [GROUP, PROGRAM or MODE ...], reports ALLOCTRACE [STACKS], many-stacks FILE.db [STACKS [VERSION]], or fleet RECORDED.db [PROCESSES [PERIODS [TURNS]]]");
        return 2;
}
