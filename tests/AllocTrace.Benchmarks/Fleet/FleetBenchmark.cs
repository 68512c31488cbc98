using System.Diagnostics;
using System.Globalization;
using AllocTrace.Report.Agent;

namespace AllocTrace.Benchmarks.Fleet;

/// <summary>
/// Measures the cost of one agent for many processes: CPU, memory, files and mappings, bytes in its databases and to its receiver, by process and period.
/// The processes are simulated by another program (<see cref="SimulatedHost"/>), so that the figures are the agent's alone.
/// </summary>
internal static class FleetBenchmark
{
    /// <param name="recorded">The recording of one process, which all processes imitate.</param>
    /// <param name="count">The number of processes that live at the same time.</param>
    /// <param name="periods">The number of periods of 15 s that each of them lives.</param>
    /// <param name="turns">The number of times that all of them end, and others begin.</param>
    public static void Run(string recorded, int count, int periods, int turns)
    {
        var folder = Directory.CreateTempSubdirectory("alloctrace-fleet-").FullName;
        var sessions = Directory.CreateTempSubdirectory("alloctrace-fleet-").FullName;
        if (Directory.Exists("/dev/shm"))
            sessions = Directory.CreateDirectory(Path.Combine("/dev/shm", Path.GetFileName(sessions))).FullName;

        try
        {
            var options = new AgentOptions { Sessions = [sessions], Folder = folder, Queue = long.MaxValue, Limit = long.MaxValue, HasReceiver = true };
            using var agent = new FleetAgent(options, Console.WriteLine);
            Console.WriteLine($"{count} processes at a time, in {turns} turns, up to {SimulatedHost.Sites} sites and {SimulatedHost.CallsOfPeriod} calls a period each; one line a period");
            var now = DateTimeOffset.UtcNow;
            for (var turn = 0; turn < turns; turn++)
            {
                using var host = new SimulatedHost(recorded, sessions, turn * count, count);
                for (var period = 0; period < periods; period++)
                    Measure(agent, host, sessions, count, now = now.AddSeconds(15));

                host.End();
                for (var wait = 0; agent.ProcessCount > 0 && wait < 60; wait++)
                {
                    Thread.Sleep(500);
                    agent.Tick(now = now.AddSeconds(15));
                }

                Console.WriteLine($"  turn {turn + 1} over: {agent.ProcessCount} followed, {Resident() >> 20} MiB resident, {Directory.GetFiles(sessions).Length} files of sessions");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
            Directory.Delete(sessions, recursive: true);
        }
    }

    private static void Measure(FleetAgent agent, SimulatedHost host, string sessions, int count, DateTimeOffset now)
    {
        var (queued, written, before) = (agent.WithQueue(queue => queue.QueuedBytes), agent.DatabaseBytes, Cpu());
        host.RunPeriod();
        AwaitQuiet();
        var (drained, time) = (Cpu() - before, Stopwatch.StartNew());
        agent.Tick(now);
        var elapsed = time.Elapsed;
        var written1 = Cpu() - before - drained;
        var sent = agent.WithQueue(queue => queue.QueuedBytes) - queued;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {agent.ProcessCount} followed: CPU a process {drained.TotalMilliseconds / count:F2} ms to drain, {written1.TotalMilliseconds / count:F2} ms to write (in {elapsed.TotalSeconds:F1} s); "
            + $"a process {(double)sent / count:F0} B to send, {(double)(agent.DatabaseBytes - written - sent) / count:F0} B in the database, {(double)Resident() / count / 1024:F0} KiB resident, "
            + $"{(double)SessionBytes(sessions) / count / 1024:F0} KiB of sessions and journals, {(double)Directory.GetFiles("/proc/self/fd").Length / count:F1} files, "
            + $"{(double)File.ReadLines("/proc/self/maps").Count() / count:F1} mappings; in all {GC.GetTotalMemory(forceFullCollection: false) >> 20} MiB managed, {Resident() >> 20} MiB resident"));
    }

    /// <summary>Waits until the agent has nothing to drain: it uses hardly any CPU for two seconds, or a minute passed.</summary>
    private static void AwaitQuiet()
    {
        var last = Cpu();
        for (var (quiet, tries) = (0, 0); quiet < 4 && tries < 120; tries++)
        {
            Thread.Sleep(500);
            var now = Cpu();
            quiet = now - last < TimeSpan.FromMilliseconds(100) ? quiet + 1 : 0;
            last = now;
        }
    }

    private static TimeSpan Cpu() => Process.GetCurrentProcess().TotalProcessorTime;

    /// <summary>The agent's own memory: not the sessions, which are the programs'.</summary>
    private static long Resident() =>
        1024 * File.ReadLines("/proc/self/status").Where(line => line.StartsWith("RssAnon:", StringComparison.Ordinal)).Select(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture)).Single();

    /// <summary>The memory that the sessions' files occupy.</summary>
    private static long SessionBytes(string sessions)
    {
        using var du = Process.Start(new ProcessStartInfo("du", ["-sk", sessions]) { RedirectStandardOutput = true })!;
        var output = du.StandardOutput.ReadToEnd();
        return 1024 * long.Parse(output.Split('\t')[0], CultureInfo.InvariantCulture);
    }
}
