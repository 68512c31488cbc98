using System.Diagnostics;
using AllocTrace.Report.Agent;
using AllocTrace.Storage;

namespace AllocTrace.Benchmarks.Fleet;

/// <summary>
/// Measures the cost of one agent for many processes: CPU, memory, bytes in its databases and to its receiver, by process and period.
/// </summary>
internal static class FleetBenchmark
{
    private const int Sites = 300, CallsOfPeriod = 2000;

    /// <param name="recorded">The recording of one process, which all processes imitate.</param>
    /// <param name="count">The number of processes.</param>
    /// <param name="periods">The number of periods of 15 s.</param>
    public static void Run(string recorded, int count, int periods)
    {
        var folder = Directory.CreateTempSubdirectory("alloctrace-fleet-").FullName;
        var sessions = Directory.CreateDirectory(Path.Combine(folder, "sessions")).FullName;
        var processes = new List<SimulatedProcess>();
        try
        {
            using (var database = TraceDatabase.Open(recorded))
            {
                for (var i = 0; i < count; i++)
                    processes.Add(new SimulatedProcess(Path.Combine(sessions, $"{i}.alloctrace"), i, database, Sites));
            }

            var options = new AgentOptions { Sessions = [sessions], Folder = Path.Combine(folder, "databases"), Queue = long.MaxValue, Limit = long.MaxValue, HasReceiver = true };
            using var agent = new FleetAgent(options, Console.WriteLine);
            var now = DateTimeOffset.UtcNow;
            Console.WriteLine($"{count} processes, up to {Sites} sites and {CallsOfPeriod} calls a period each; one line a period");
            for (var period = 0; period < periods; period++)
                Measure(agent, processes, now = now.AddSeconds(15));
        }
        finally
        {
            processes.ForEach(process => process.Dispose());
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Measure(FleetAgent agent, List<SimulatedProcess> processes, DateTimeOffset now)
    {
        var (queued, written) = (agent.WithQueue(queue => queue.QueuedBytes), agent.DatabaseBytes);
        foreach (var process in processes)
            process.Run(CallsOfPeriod);

        Thread.Sleep(1000); // drained
        var (cpu, time) = (Process.GetCurrentProcess().TotalProcessorTime, Stopwatch.StartNew());
        agent.Tick(now);
        var elapsed = time.Elapsed;
        cpu = Process.GetCurrentProcess().TotalProcessorTime - cpu;
        var sent = agent.WithQueue(queue => queue.QueuedBytes) - queued;
        Console.WriteLine(
            $"  {agent.ProcessCount} followed, period written in {elapsed.TotalMilliseconds,6:F0} ms ({cpu.TotalMilliseconds / processes.Count,5:F2} ms CPU a process), "
            + $"{(double)sent / processes.Count,7:F0} B to send and {(double)(agent.DatabaseBytes - written - sent) / processes.Count,7:F0} B in the database a process, "
            + $"{GC.GetTotalMemory(forceFullCollection: false) >> 20} MiB managed, {Process.GetCurrentProcess().WorkingSet64 >> 20} MiB resident");
    }
}
