using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Allocators that a host sets in place of the hook: what is missed is told, and nothing else is wrong.</summary>
[TestClass]
public sealed class AllocatorTests
{
    /// <summary>
    /// Of 100 blocks the free is not seen: they stay alive in the ledger. Of 200 others only the free is: these are counted as unknown.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void What_is_freed_by_another_allocator_than_it_came_from_is_told(Python python)
    {
        using var folder = new TestFolder();
        var database = Alloctrace.Record(folder, python.Path, Alloctrace.ProgramFile("swapped_allocators.py"), TestLibrary.HostAllocator);
        Assert.AreEqual(200, TraceQuery.Single<long>(database, "SELECT unknown_frees FROM process"));
        Assert.AreEqual((100, 20_000_300), TraceQuery.Single<(long, long)>(
            database, "SELECT sum(blocks), sum(bytes) FROM live WHERE domain = 'raw' AND bytes = 200003 * blocks"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
        Assert.Contains("200 frees of blocks from before the recording began", Alloctrace.Run("summary", database).Succeeded().Output);
    }
}
