using System.Diagnostics;
using AllocTrace.Fuzz;

// Damages sessions, journals, checkpoints, databases and the memory of processes at random, and reads them: dotnet run -c Release --project tests/AllocTrace.Fuzz -- [COUNT [SEED]]
// Inputs that reach new code are damaged further. Each target has a process of its own, with a copy of the library that counts the branches taken, so that
// a crash of the reader is reported. Exit code 0: nothing was found. "again FILE" runs an input that was found.
switch (args)
{
    case ["target", var name, var count, var seed, var folder]:
        return Targets.Run(name, int.Parse(count), int.Parse(seed), folder);
    case ["again", var file]:
        return Targets.Again(file);
    case [] or [_] or [_, _]:
        return Supervisor.Run(args.Length > 0 ? int.Parse(args[0]) : 1_000_000, args.Length > 1 ? int.Parse(args[1]) : (int)(Stopwatch.GetTimestamp() & 0xFFFFFF));
    default:
        Console.Error.WriteLine("wanted: [COUNT [SEED]], or again FILE");
        return 2;
}
