using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Tests hosts that set allocators in place of the hook: missed calls are reported, and nothing else is wrong.</summary>
[TestClass]
public sealed class AllocatorTests
{
    /// <summary>
    /// Hides the free of 100 blocks, which stay live in the ledger, and the allocation of 200 others, whose frees are counted as unknown.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Free_by_another_allocator_than_the_block_s_is_reported(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Alloctrace.Record(folder, python.Path, Alloctrace.ProgramFile("swapped_allocators.py"), TestLibrary.HostAllocator, "mix");
        Assert.AreEqual(200, TraceQuery.Single<long>(database, "SELECT unknown_frees FROM process"));
        Assert.AreEqual((100, 20_000_300), TraceQuery.Single<(long, long)>(
            database, "SELECT sum(blocks), sum(bytes) FROM live WHERE domain = 'raw' AND bytes = 200003 * blocks"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
        Assert.Contains("200 frees of blocks from before the recording began", Alloctrace.Run("summary", database).Succeeded().Output);
    }

    /// <summary>
    /// Lets two threads install a hook above ours and remove it, without a lock, as CPython allows, while three others allocate: each call
    /// is recorded once.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void No_call_is_lost_or_counted_twice_while_threads_replace_the_allocator(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Alloctrace.Record(folder, python.Path, Alloctrace.ProgramFile("swapped_allocators.py"), TestLibrary.HostAllocator, "used");
        // Each of the three makes 5,000 blocks and resizes them to twice the size.
        Assert.AreEqual((30_000, 15_000 * 3 * 200_003L, 30_000), TraceQuery.Single<(long, long, long)>(
            database, "SELECT sum(allocated_blocks), sum(allocated_bytes), sum(freed_blocks) FROM site JOIN domain ON domain.id = site.domain WHERE domain.name = 'raw' AND allocated_bytes = 3 * 200003 * allocated_blocks / 2"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT unknown_frees FROM process"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
    }
}
