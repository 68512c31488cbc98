using System.Diagnostics;
using System.Globalization;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Records a service for a long time at full speed: neither the service nor the collector grows, and nothing is lost. ALLOCTRACE_SOAK is
/// the number of requests (docs/reliability.md).
/// </summary>
[TestClass]
public sealed class SoakTests
{
    private const long Most = 20 << 20;

    private static readonly string _requests = Environment.GetEnvironmentVariable("ALLOCTRACE_SOAK") ?? "10000";

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void A_service_and_its_collector_stay_as_large_as_they_were()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        var start = new ProcessStartInfo(Alloctrace.Program, ["run", "-q", "-o", database, "--", Python.Default.Path, "-S", Alloctrace.ProgramFile("service.py"), _requests]);
        start.Environment["DOTNET_GCgen0size"] = "200000"; // bytes in hex: garbage is collected soon, and not taken for growth
        using var collector = Process.Start(start)!;
        var (service, collecting) = (new List<long>(), new List<long>());
        do
        {
            var children = Read($"/proc/{collector.Id}/task/{collector.Id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var resident = children is [var child, ..] ? Resident(child, "VmRSS:") : 0;
            if (resident == 0)
                continue;

            service.Add(resident);
            collecting.Add(Resident(collector.Id.ToString(CultureInfo.InvariantCulture), "RssAnon:")); // its journal is a file of 64 MiB at most
        }
        while (!collector.WaitForExit(service.Count < 100 ? 50 : 1000));

        Assert.AreEqual(0, collector.ExitCode);
        var calls = TraceQuery.Single<long>(database, "SELECT sum(allocated_blocks + freed_blocks) FROM site");
        TestContext.WriteLine($"{_requests} requests, {calls:N0} calls, database {new FileInfo(database).Length:N0} bytes; service {Told(service)}, collector {Told(collecting)}");
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT unknown_frees FROM process"));
        Assert.AreEqual(
            TraceQuery.Single<long>(database, "SELECT bytes FROM snapshot WHERE kind = 'live'"), TraceQuery.Single<long>(database, "SELECT sum(allocated_bytes - freed_bytes) FROM site"));
        Assert.IsLessThan(Most, new FileInfo(database).Length);
        StaysFlat(service);
        StaysFlat(collecting);
    }

    /// <summary>Requires that the last quarter is above the second by at most an eighth and 8 MiB.</summary>
    private static void StaysFlat(List<long> samples)
    {
        var quarter = samples.Count / 4;
        Assert.IsGreaterThan(2, quarter, "the service was too short to be looked at");
        var (before, after) = (samples.Skip(quarter).Take(quarter).Max(), samples.Skip(3 * quarter).Max());
        Assert.IsLessThan(before + before / 8 + (8 << 20), after, Told(samples));
    }

    private static string Told(List<long> samples) =>
        string.Join(", ", Enumerable.Range(0, 4).Select(i => $"{samples.Skip(i * samples.Count / 4).Take(Math.Max(1, samples.Count / 4)).Max() >> 20} MiB"));

    private static long Resident(string process, string field)
    {
        var line = Array.Find(Read($"/proc/{process}/status").Split('\n'), line => line.StartsWith(field, StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2].Trim('\t'), CultureInfo.InvariantCulture) << 10;
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return ""; // it has ended
        }
    }
}
