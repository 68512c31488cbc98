using System.Diagnostics;
using System.Globalization;
using AllocTrace.Storage;

namespace AllocTrace.Benchmarks.Fleet;

/// <summary>Another program that simulates processes, and does a period of each when it is asked.</summary>
internal sealed class SimulatedHost : IDisposable
{
    public const int Sites = 300, CallsOfPeriod = 2000;

    private const string Ready = "ready";

    private readonly Process _program;

    /// <param name="recorded">The recording of one process, which all processes imitate.</param>
    /// <param name="folder">The folder of their sessions.</param>
    /// <param name="first">The number of the first.</param>
    /// <param name="count">The number of processes.</param>
    public SimulatedHost(string recorded, string folder, int first, int count)
    {
        string[] arguments = ["fleet-processes", recorded, folder, $"{first}", $"{count}"];
        _program = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        Await();
    }

    /// <summary>Lets each process do what it does in a period.</summary>
    public void RunPeriod()
    {
        _program.StandardInput.WriteLine();
        Await();
    }

    /// <summary>Ends the processes.</summary>
    public void End()
    {
        _program.StandardInput.Close();
        _program.WaitForExit();
    }

    public void Dispose()
    {
        End();
        _program.Dispose();
    }

    /// <summary>Simulates processes: the other program's own work.</summary>
    public static void Simulate(string recorded, string folder, string first, string count)
    {
        var processes = new List<SimulatedProcess>();
        using (var database = TraceDatabase.Open(recorded))
        {
            SiteCounters[] busiest = [.. database.ReadCounters(database.Processes[0]).OrderByDescending(site => site.Allocated.Blocks).Take(Sites)];
            for (var i = 0; i < int.Parse(count, CultureInfo.InvariantCulture); i++)
            {
                var number = int.Parse(first, CultureInfo.InvariantCulture) + i;
                processes.Add(new SimulatedProcess(Path.Combine(folder, $"{number}.alloctrace"), number, database, busiest));
            }
        }

        Console.WriteLine(Ready);
        while (Console.ReadLine() is not null)
        {
            processes.ForEach(process => process.Run(CallsOfPeriod));
            Console.WriteLine(Ready);
        }

        processes.ForEach(process => process.End());
    }

    private void Await()
    {
        if (_program.StandardOutput.ReadLine() != Ready)
            throw new InvalidOperationException("the simulated processes ended: see above");
    }
}
