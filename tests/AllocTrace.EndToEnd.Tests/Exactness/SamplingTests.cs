using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Compares sampled recordings with exact ones of the same program. Samples are random: the tests allow more than twice the error that
/// reports state, five standard deviations, which one run in a million exceeds.
/// </summary>
[TestClass]
public sealed class SamplingTests
{
    private const double Allowed = 5 / 1.96;

    /// <summary>The number of bytes with enough samples to judge, at one every 16 KiB.</summary>
    private const double Enough = 200 << 14;

    private static readonly string _program = Alloctrace.ProgramFile("sampled.py");

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Estimates_are_within_their_error_of_the_exact_figures(Python python)
    {
        using var folder = new TemporaryFolder();
        var exact = Alloctrace.Record(folder, python.Path, _program);
        var sampled = folder.File("sampled.db");
        Alloctrace.Run("run", "-q", "--sample", "16KiB", "-o", sampled, "--", python.Path, _program).Succeeded();
        foreach (var view in (string[])["live", "total", "temporary"])
        {
            var expected = ByFunction(exact, view);
            var estimated = ByFunction(sampled, view);
            foreach (var function in (string[])["kept", "dropped", "large", "in_thread"])
            {
                if (!expected.TryGetValue(function, out var amount) || amount.Size < Enough)
                    continue; // loops leave a few objects beside their blocks

                Assert.IsTrue(estimated.TryGetValue(function, out var estimate), $"{view}: {function} is missing");
                Assert.IsLessThanOrEqualTo(Allowed * estimate.SizeError, Math.Abs(estimate.Size - amount.Size), $"{view}: bytes of {function}");
                if (function != "large") // beside its large blocks it has a few small ones, of which a sample knows nothing
                    Assert.IsLessThanOrEqualTo(Allowed * estimate.CountError, Math.Abs(estimate.Count - amount.Count), $"{view}: blocks of {function}");
            }
        }

        Assert.AreEqual(0, TraceQuery.Single<long>(sampled, "SELECT sum(unknown_frees) FROM process"));
        Assert.AreEqual(0, TraceQuery.Single<long>(sampled, "SELECT count(*) FROM site WHERE allocated_blocks + inherited_blocks < freed_blocks"));
        Assert.IsLessThan(
            TraceQuery.Single<long>(exact, "SELECT count(*) FROM site"), TraceQuery.Single<long>(sampled, "SELECT count(*) FROM site"), "a sample sees less");
    }

    [TestMethod]
    public void A_forked_child_goes_on_with_its_parents_samples()
    {
        using var folder = new TemporaryFolder();
        var exact = Alloctrace.Record(folder, Python.Default.Path, _program, "fork");
        var sampled = folder.File("sampled.db");
        Alloctrace.Run("run", "-q", "--sample", "16KiB", "-o", sampled, "--", Python.Default.Path, _program, "fork").Succeeded();
        Assert.AreEqual(2, TraceQuery.Single<long>(sampled, "SELECT count(*) FROM process"));
        Assert.AreEqual(0, TraceQuery.Single<long>(sampled, "SELECT sum(unknown_frees) FROM process"));
        var child = (string database) => TraceQuery.Single<double>(
            database, "SELECT sum(inherited_bytes + allocated_bytes - freed_bytes) FROM site JOIN process ON process.id = site.process WHERE parent_pid IN (SELECT pid FROM process)");

        // The child lost what kept() made: 8 MB of 19; 16 KiB for each sample, five deviations.
        Assert.AreEqual(child(exact), child(sampled), 5 * Math.Sqrt(child(exact) * 16384));
    }

    [TestMethod]
    public void Reports_say_that_figures_are_estimates()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        Alloctrace.Run("run", "-q", "--sample", "16K", "-o", database, "--", Python.Default.Path, _program).Succeeded();
        foreach (var report in (string[])["summary", "top", "tree", "timeline", "leaks"])
            StringAssert.Contains(Alloctrace.Run(report, database).Succeeded().Output, "SAMPLED, one allocation per 16.0 KiB");

        StringAssert.Contains(Alloctrace.Run("top", database).Succeeded().Output, "±");
        StringAssert.Contains(Alloctrace.Run("top", database, "--csv").Succeeded().Output, "size,count,size_error,count_error,filename");
        var exact = Alloctrace.Record(folder, Python.Default.Path, _program);
        Assert.DoesNotContain("±", Alloctrace.Run("top", exact).Succeeded().Output);
        Assert.DoesNotContain("error", Alloctrace.Run("top", exact, "--json").Succeeded().Output);
    }

    private static Dictionary<string, (double Size, double Count, double SizeError, double CountError)> ByFunction(string database, string view) =>
        Alloctrace.Top(database, "--view", view, "--group-by", "function").Where(row => row.GetProperty("traceback").GetArrayLength() > 0).ToDictionary(
            row => Name(row), row => (Number(row, "size"), Number(row, "count"), Number(row, "size_error"), Number(row, "count_error")));

    private static string Name(JsonElement row)
    {
        var frame = row.GetProperty("traceback")[0];
        var isOurs = frame.GetProperty("filename").GetString()!.EndsWith("sampled.py", StringComparison.Ordinal);
        return isOurs ? frame.GetProperty("function").GetString()! : frame.GetRawText();
    }

    private static double Number(JsonElement row, string name) => row.TryGetProperty(name, out var value) ? value.GetDouble() : 0;
}
