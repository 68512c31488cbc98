using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Tests the recording of C allocations (option native) against an allocator of our own below it, and against C programs that report their
/// calls.
/// </summary>
[TestClass]
public sealed class NativeTests
{
    /// <summary>The number of short threads, set by ALLOCTRACE_TEST_THREADS.</summary>
    private static readonly int _threads = int.Parse(Environment.GetEnvironmentVariable("ALLOCTRACE_TEST_THREADS") ?? "2000");

    private static readonly string[] _allocators = ["libjemalloc.so.2", "libmimalloc.so.2", "libtcmalloc_minimal.so.4"];

    public static IEnumerable<object[]> Programs =>
    [
        .. Python.Corners.Where(python => !python.IsFreeThreaded).SelectMany(python => (object[][])[[python.Path, "pure"], [python.Path, "threads"]]),
        .. ((string[])["lxml", "numpy", "pandas"]).Select(program => (object[])["/usr/bin/python3", program]),
    ];

    /// <summary>
    /// Compares the live blocks between two marks with a counting allocator below (native/counting_malloc.c), block by block and byte by
    /// byte. With PYTHONMALLOC=malloc each block of Python's is one of the C library's, so nothing may be missing or count twice, in the
    /// heap's four domains and in those of extensions. That allocator ends the program that calls it while it works.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(Programs))]
    public void What_is_alive_is_what_an_allocator_below_has_given_out(string python, string program)
    {
        if (program is not ("pure" or "threads") && (!File.Exists(python) || Command.Run(python, ["-c", $"import {program}"]).ExitCode != 0))
            Assert.Inconclusive($"no {python} with {program} on this machine");

        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        string[] command = [python, Alloctrace.ProgramFile("native_sums.py"), program];
        var script = $"LD_PRELOAD=\"$LD_PRELOAD:{TestLibrary.CountingMalloc}\" COUNTED={folder.File("counted")} PYTHONMALLOC=malloc exec \"$@\"";
        Alloctrace.Run(["run", "-q", "-o", database, "--native", "malloc", "--", "sh", "-c", script, "sh", .. command]).Succeeded();
        var counted = File.ReadLines(folder.File("counted")).Select(line => line.Split(' ')).Select(words => (Blocks: long.Parse(words[1]), Bytes: long.Parse(words[2]))).ToArray();
        var recorded = TraceQuery.Rows<(long Blocks, long Bytes)>(
            database,
            """
            SELECT sum(snapshot_site.blocks), sum(snapshot_site.bytes) FROM snapshot JOIN snapshot_site ON snapshot_site.snapshot = snapshot.id
            JOIN site ON site.id = snapshot_site.site JOIN domain ON domain.id = site.domain
            WHERE kind = 'named' AND domain.name <> 'mmap' GROUP BY snapshot.id ORDER BY snapshot.id
            """);
        Assert.HasCount(2, counted);
        Assert.AreEqual(counted[1].Blocks - counted[0].Blocks, recorded[1].Blocks - recorded[0].Blocks);
        // A block of no bytes is one of one byte for the allocator below: _PyMem_RawMalloc of Objects/obmalloc.c.
        Assert.AreEqual(counted[1].Bytes - counted[0].Bytes, recorded[1].Bytes - recorded[0].Bytes, delta: 8);
        Assert.IsLessThan(30, counted[0].Blocks - recorded[0].Blocks, "blocks of before the first call of PyMem_*");
        TraceQuery.AssertAdds(database);
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
    }

    /// <summary>
    /// Tests malloc's families, failed and empty reallocations, pieces of mappings, threads that end, another family, forks:
    /// programs/native_traps.py.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void C_code_is_recorded_as_it_allocates_and_frees(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python.Path, []);
        Assert.AreEqual((10L, 902_471L), Live(database, "malloc", "families"));
        Assert.AreEqual((1L, 200_002L), Live(database, "malloc", "reallocations"));
        Assert.AreEqual((4L, (12 + 3 + 20 + 8) * 4096L), Live(database, "mmap", "mappings"));
        Assert.AreEqual((0L, 0L), Live(database, "malloc", "error_number"));
        Assert.AreEqual((0L, 0L), Live(database, "malloc", "freed_by_python"));
        Assert.AreEqual((0L, 0L), Live(database, "malloc", "late_frees"));
        var (blocks, bytes) = Live(database, "malloc", "other_family");
        Assert.IsTrue(blocks < 20 && bytes is >= 400_001 and < 410_000, $"{blocks} blocks of {bytes} bytes: the loader's, and one of 400,001");
        Assert.AreEqual((6L, 360_000L), TraceQuery.Single<(long, long)>(database, "SELECT sum(blocks), sum(bytes) FROM live WHERE domain = 'malloc' AND bytes = 60000 * blocks AND blocks > 0"));
        // Frees in a thread's last round are recorded, without a new thread for them.
        Assert.AreEqual((200L, 200L), TraceQuery.Single<(long, long)>(
            database, "SELECT sum(allocated_blocks), sum(freed_blocks) FROM site_frame WHERE thread_name = 'ended threads' AND allocated_bytes = 300003 * allocated_blocks AND allocated_blocks > 0"));
        Assert.AreEqual((long)_threads, TraceQuery.Single<long>(database, "SELECT sum(freed_blocks) FROM site JOIN thread ON thread.id = site.thread WHERE allocated_bytes = 1000 AND allocated_blocks = 1"));
        Assert.IsLessThan(_threads + 210, TraceQuery.Single<long>(database, "SELECT count(*) FROM thread"));
        Assert.AreEqual(1, TraceQuery.Single<long>(database, "SELECT count(*) FROM process"), "children without Python");
        Assert.AreEqual("malloc name ", TraceQuery.Single<string>(database, "SELECT mode || ' ' || reach || ' ' || past FROM native"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
    }

    /// <summary>
    /// Preloads another allocator behind our library, where it gets all calls, and before it, where imports are redirected and the
    /// recording says so.
    /// </summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Other_allocators_are_followed_behind_and_before_us(bool isBefore)
    {
        string[] found = [.. _allocators.Select(name => Path.Combine("/usr/lib/x86_64-linux-gnu", name)).Where(File.Exists)];
        if (found.Length == 0)
            Assert.Inconclusive("none of libjemalloc2, libmimalloc2.0 and libtcmalloc-minimal4 is installed");

        foreach (var allocator in found)
        {
            using var folder = new TemporaryFolder();
            var preload = isBefore ? $"{allocator}:$LD_PRELOAD" : $"$LD_PRELOAD:{allocator}";
            var database = Record(folder, Python.Default.Path, ["families", "mappings", "error_number", "freed_by_python", "many_threads"], preload);
            Assert.AreEqual((10L, 902_471L), Live(database, "malloc", "families"), allocator);
            Assert.AreEqual((4L, (12 + 3 + 20 + 8) * 4096L), Live(database, "mmap", "mappings"), allocator);
            Assert.AreEqual((0L, 0L), Live(database, "malloc", "freed_by_python"), allocator);
            Assert.AreEqual(isBefore ? "import" : "name", TraceQuery.Single<string>(database, "SELECT reach FROM native"), allocator);
        }
    }

    /// <summary>Loads the library into a running program, where it redirects imports.</summary>
    [TestMethod]
    public void Recording_that_begins_later_has_what_C_code_allocates()
    {
        using var folder = new TemporaryFolder();
        const string program = """
            import ctypes, runpy, sys
            traps, library, database, c_heap, folder = sys.argv[1:]
            assert ctypes.CDLL(library).alloctrace_start(database.encode(), b"native=malloc") == 0
            sys.argv = [traps, c_heap, folder, "families", "mappings", "by_library", "freed_by_python"]
            runpy.run_path(traps)
            assert ctypes.CDLL(library).alloctrace_stop() == 0
            """;
        Python.Default.Run(["-c", program, Alloctrace.ProgramFile("native_traps.py"), Alloctrace.Library, folder.File("t.db"), TestLibrary.CHeap, folder.Path]).Succeeded();
        var database = folder.File("t.db");
        Assert.AreEqual((10L, 902_471L), Live(database, "malloc", "families"));
        Assert.AreEqual((4L, (12 + 3 + 20 + 8) * 4096L), Live(database, "mmap", "mappings"));
        Assert.AreEqual((0L, 0L), Live(database, "malloc", "freed_by_python"));
        Assert.AreEqual("import", TraceQuery.Single<string>(database, "SELECT reach FROM native"));
        Assert.Contains("malloc and mmap are recorded, but not all calls", Alloctrace.Run("summary", database).Succeeded().Output);
    }

    /// <summary>Requires that numpy's arrays, which are blocks of malloc, count once and under numpy's name.</summary>
    [TestMethod]
    public void Numpy_s_arrays_count_once()
    {
        const string numpy = "/usr/bin/python3";
        if (!File.Exists(numpy) || Command.Run(numpy, ["-c", "import numpy"]).ExitCode != 0)
            Assert.Inconclusive($"no {numpy} with numpy on this machine");

        using var folder = new TemporaryFolder();
        Alloctrace.Run("run", "-q", "-o", folder.File("t.db"), "--native", "malloc", "--", numpy, "-c", "import numpy; kept = numpy.zeros(13_000_001)").Succeeded();
        var large = TraceQuery.Rows<(string, long)>(folder.File("t.db"), "SELECT domain, bytes FROM live WHERE bytes > 100e6");
        CollectionAssert.AreEqual(new[] { ("numpy", 104_000_008L) }, large);
        Assert.AreEqual((104_000_008L, 1L), TraceQuery.Single<(long, long)>(folder.File("t.db"), "SELECT max(allocated_bytes), count(*) FROM site WHERE allocated_bytes > 100e6"));
    }

    [TestMethod]
    public void Without_the_option_nothing_is_interposed()
    {
        const string program = """
            import ctypes, os
            address = lambda library: ctypes.cast(ctypes.CDLL(library).malloc, ctypes.c_void_p).value
            print(address(None) == address("libc.so.6"), "liballoctrace-native" in open("/proc/self/maps").read())
            """;
        using var folder = new TemporaryFolder();
        Assert.AreEqual("True False\n", Alloctrace.Run("run", "-q", "-o", folder.File("t.db"), "--", Python.Default.Path, "-c", program).Succeeded().Output);
        Assert.AreEqual(0, TraceQuery.Single<long>(folder.File("t.db"), "SELECT count(*) FROM native"));
    }

    private static string Record(TemporaryFolder folder, string python, string[] cases, string preload = "$LD_PRELOAD")
    {
        var database = folder.File("t.db");
        var script = $"LD_PRELOAD=\"{preload}\" TRAPS_THREADS={_threads} exec \"$@\"";
        var result = Alloctrace.Run(
            ["run", "-q", "-f", "-o", database, "--native", "malloc", "--", "sh", "-c", script, "sh", python, Alloctrace.ProgramFile("native_traps.py"), TestLibrary.CHeap, folder.Path, .. cases]).Succeeded();
        Assert.AreEqual("done\n", result.Output);
        return database;
    }

    private static (long Blocks, long Bytes) Live(string database, string domain, string function) => TraceQuery.Single<(long, long)>(
        database, $"SELECT ifnull(sum(blocks), 0), ifnull(sum(bytes), 0) FROM live WHERE domain = '{domain}' AND function = '{function}'");
}
