using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Compares the unwinder of C stacks with glibc's backtrace(), at allocations of programs of many kinds, return address by return address
/// (unwinding/oracle.c). ALLOCTRACE_UNWOUND is the number of runs of each program, which compare every stack; without it, one run compares
/// every 29th.
/// </summary>
[TestClass]
public sealed class UnwindingTests
{
    /// <summary>The interpreters that make trampolines with -X perf.</summary>
    public static IEnumerable<object[]> WithPerf => Python.Installed.Where(python => python.Minor >= 12 && !python.IsFreeThreaded).Select(python => new object[] { python });

    private static readonly string _oracle = Path.Combine(AppContext.BaseDirectory, "unwind_oracle.so");

    private static readonly string[] _kinds =
        ["pure", "json_documents", "regular_expressions", "sqlite", "callbacks", "odd_frames", "generators", "exceptions", "threads", "signals", "greenlets", "lxml", "numpy"];

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Every_stack_is_that_of_backtrace(Python python)
    {
        var repeated = int.Parse(Environment.GetEnvironmentVariable("ALLOCTRACE_UNWOUND") ?? "0");
        var found = Compare(python, _kinds.SelectMany(kind => Enumerable.Repeat(kind, Math.Max(1, repeated))), new() { ["ORACLE_EVERY"] = repeated > 0 ? "1" : "29" });
        Assert.IsGreaterThan(python.IsFreeThreaded ? 20 : 2000, found.Stacks); // without the GIL CPython has an allocator of its own
        Assert.AreEqual((0, 0, 0), (found.Cut, found.Beyond, found.Different));
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Images_are_found_without_the_loader_too(Python python)
    {
        var found = Compare(python, ["pure", "callbacks", "threads", "unloading"], new() { ["ORACLE_EVERY"] = "29", ["ORACLE_MAPPINGS"] = "1" });
        Assert.AreEqual((0, 0, 0), (found.Cut, found.Beyond, found.Different));
    }

    /// <summary>
    /// Loads two libraries with frames of different sizes at the same addresses in turn. Cached rules of the first would be wrong for the
    /// second.
    /// </summary>
    [TestMethod]
    public void Unloaded_code_is_forgotten()
    {
        var found = Compare(Python.Default, ["unloading"], new() { ["ORACLE_EVERY"] = "1" });
        Assert.AreEqual((0, 0, 0), (found.Cut, found.Beyond, found.Different));
        var stale = Compare(Python.Default, ["unloading"], new() { ["ORACLE_EVERY"] = "1", ["ORACLE_REMEMBERS"] = "1" });
        Assert.IsGreaterThan(0, stale.Cut + stale.Beyond + stale.Different, "the libraries did not get the same addresses: the test shows nothing");
    }

    /// <summary>
    /// Passes CPython's trampolines of -X perf, which have no unwind table. backtrace() ends at the first; our walk continues to the
    /// thread's first function.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(WithPerf))]
    public void Trampolines_for_perf_are_passed(Python python)
    {
        var found = Compare(python, ["pure", "json_documents"], new() { ["ORACLE_EVERY"] = "29" }, "-X", "perf");
        Assert.AreEqual((0, 0), (found.Cut, found.Different));
        Assert.IsGreaterThan(found.Stacks / 2, found.Beyond);
    }

    private static (int Stacks, int Cut, int Beyond, int Different) Compare(Python python, IEnumerable<string> kinds, Dictionary<string, string?> variables, params string[] options)
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("compared");
        variables["ORACLE"] = file;
        variables["LD_PRELOAD"] = _oracle;
        if (!python.IsFreeThreaded)
            variables["PYTHONMALLOC"] = "malloc";

        var result = python.Run([.. options, Alloctrace.ProgramFile("unwound.py"), TestLibrary.CCallers, .. kinds], environment: variables).Succeeded();
        var words = File.ReadLines(file).Last().Split(' ');
        Assert.IsTrue(words is ["stacks", _, "cut", _, "beyond", _, "different", _], result.Error);
        return (int.Parse(words[1]), int.Parse(words[3]), int.Parse(words[5]), int.Parse(words[7]));
    }
}
