using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Requires that events for which there is no room are counted, and that every report says so.</summary>
[TestClass]
public sealed class LossTests
{
    [TestMethod]
    public void Stacks_that_could_not_be_kept_are_counted()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        Alloctrace.Run("run", "-q", "--limit", "4194304", "-o", database, "--", Python.Default.Path, Alloctrace.ProgramFile("many_stacks.py")).Succeeded();
        var lost = TraceQuery.Single<long>(database, "SELECT sum(events) FROM loss WHERE reason = 'stack not kept'");
        Assert.IsGreaterThan(0, lost);
        Assert.AreEqual(lost, TraceQuery.Single<long>(
            database, "SELECT sum(allocated_blocks) FROM site JOIN stack ON stack.id = site.stack WHERE stack.id <> 0 AND stack.code IS NULL"));
        StringAssert.Contains(Alloctrace.Run("top", database).Succeeded().Output, "INCOMPLETE");
    }
}
