using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Ends processes in every way: the database has everything recorded, and the way in which the process ended.</summary>
[TestClass]
public sealed class EndingTests
{
    private const string Keep = "kept = [bytes(967) for _ in range(10_000)]; ";

    [TestMethod]
    [DataRow("pass", "finalized", 0)]
    [DataRow("import sys; sys.exit(3)", "finalized", 3)]
    [DataRow("import os; os._exit(4)", "exited", 4)]
    [DataRow("import os; os.kill(os.getpid(), 9)", "killed", 128 + 9)]
    [DataRow("import os; os.abort()", "killed", 128 + 6)]
    [DataRow("import ctypes; ctypes.string_at(1)", "killed", 128 + 11)]
    public void Records_from_before_the_end_are_in_the_database(string end, string ending, int exitCode)
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        // No core files: the kernel would write the tracer's memory too.
        var result = Alloctrace.Run("run", "-q", "-o", database, "--", "sh", "-c", "ulimit -c 0; exec \"$0\" -c \"$1\"", Python.Default.Path, Keep + end);
        Assert.AreEqual(exitCode, result.ExitCode, result.Error);
        Assert.AreEqual(ending, TraceQuery.Single<string>(database, "SELECT ending FROM process"));
        var kept = Alloctrace.Top(database, "--filter", "<string>:1").Single();
        Assert.IsGreaterThanOrEqualTo(10_000, kept.GetProperty("count").GetInt64());
        Assert.IsGreaterThanOrEqualTo(10_000_000, kept.GetProperty("size").GetInt64());
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
        if (ending != "finalized") // what finalization freed was alive at its beginning
        {
            const string alive = "SELECT sum(bytes) FROM live";
            const string added = "SELECT sum(allocated_bytes + inherited_bytes - freed_bytes) FROM site";
            Assert.AreEqual(TraceQuery.Single<long>(database, added), TraceQuery.Single<long>(database, alive));
        }
    }
}
