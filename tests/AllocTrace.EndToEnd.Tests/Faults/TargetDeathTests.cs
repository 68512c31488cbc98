using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Kills programs during their start and their work: the database has everything that their threads had counted, and at most one block more
/// of each. ALLOCTRACE_KILLS is the number of kills.
/// </summary>
[TestClass]
public sealed class TargetDeathTests
{
    private const int Seed = 20261122;

    private static readonly int _kills = int.Parse(Environment.GetEnvironmentVariable("ALLOCTRACE_KILLS") ?? "8");

    [TestMethod]
    public void Records_of_a_killed_program_are_in_the_database()
    {
        var random = new Random(Seed);
        var recorded = 0;
        for (var kill = 0; kill < _kills; kill++)
        {
            using var folder = new TemporaryFolder();
            var (database, counters) = (folder.File("t.db"), folder.File("counters"));
            File.WriteAllBytes(counters, new byte[16]);
            var delay = kill == 0 ? 3.0 : random.NextDouble() * 0.8; // once it certainly works, however busy the machine is
            var script = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\"$@\" & sleep {delay:F3}; kill -9 $!; wait");
            Alloctrace.Run("run", "-q", "-o", database, "--", "sh", "-c", script, "sh", Python.Default.Path, "-S", Alloctrace.ProgramFile("mortal.py"), counters);
            var made = File.ReadAllBytes(counters);
            if (!File.Exists(database))
            {
                Assert.AreEqual(0, made.Sum(value => value), $"killed after {delay:F3} s: nothing was recorded");
                continue;
            }

            recorded++;
            Check(database, "first", BitConverter.ToInt64(made, 0));
            Check(database, "second", BitConverter.ToInt64(made, 8));
            Assert.AreEqual("killed", TraceQuery.Single<string>(database, "SELECT ending FROM process"));
            Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
            Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT sum(unknown_frees) FROM process"));
            Assert.AreEqual(
                TraceQuery.Single<long>(database, "SELECT bytes FROM snapshot WHERE kind = 'live'"),
                TraceQuery.Single<long>(database, "SELECT sum(allocated_bytes - freed_bytes) FROM site"));
            Alloctrace.Run("summary", database).Succeeded();
        }

        Assert.IsGreaterThan(0, recorded, "each time it was killed before it had begun");
    }

    /// <summary>Checks the blocks of a thread, which counts a block after it has allocated it.</summary>
    private static void Check(string database, string function, long counted)
    {
        var made = TraceQuery.Single<long>(
            database, $"SELECT coalesce(sum(allocated_blocks), 0) FROM site_frame WHERE function = '{function}' AND allocated_bytes / allocated_blocks > 4000");
        Assert.IsTrue(made == counted || made == counted + 1, $"{function} had counted {counted} blocks, {made} are recorded");
    }
}
