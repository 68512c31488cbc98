using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Requires that a CPython of unknown layout is recorded without stacks, and that reports say so (hosts/unknown_python.c stands in for
/// one).
/// </summary>
[TestClass]
public sealed class UnknownPythonTests
{
    [TestMethod]
    public void Unknown_CPython_is_recorded_without_stacks_and_reports_say_so()
    {
        using var folder = new TemporaryFolder();
        var (program, database) = (folder.File("unknown"), folder.File("t.db"));
        Command.Run("cc", ["-std=gnu11", "-O1", "-w", "-rdynamic", Path.Combine(AppContext.BaseDirectory, "hosts", "unknown_python.c"), "-o", program]).Succeeded();

        var run = Command.Run(Alloctrace.Program, ["run", "-o", database, "--", program]).Succeeded();

        Assert.AreEqual("done", run.Output.Trim());
        StringAssert.Contains(run.Error, "No Python stacks: the layout of CPython 3.99.0 is not known");
        Assert.AreEqual((1000L, 500L), TraceQuery.Single<(long, long)>(database, "SELECT sum(allocated_blocks), sum(freed_blocks) FROM site"));
        Assert.AreEqual(50_000, TraceQuery.Single<long>(database, "SELECT snapshot.bytes FROM snapshot WHERE kind = 'live'"));
        Assert.AreEqual("the layout of CPython 3.99.0 is not known", TraceQuery.Single<string>(database, "SELECT stacks FROM process"));
        StringAssert.Contains(Command.Run(Alloctrace.Program, ["summary", database]).Succeeded().Output, "3.99.0");
    }
}
