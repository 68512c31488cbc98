using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Resident memory is what the system says it is, and what was planted is named. The programs read their own RSS from /proc at their end.</summary>
[TestClass]
public sealed class MemoryTests
{
    private static readonly string _program = Alloctrace.ProgramFile("resident.py");

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Parts_add_up_to_what_the_system_counts(Python python)
    {
        var memory = Record(python, "mixed", out var rss);
        AssertSum(rss, memory);
        Assert.IsGreaterThan(memory.Resident / 5, memory.Live, "live blocks are found on resident pages");
        Assert.IsLessThan(memory.Resident / 20, memory.Of("other"));
    }

    [TestMethod]
    [DataRow("lxml")]
    [DataRow("numpy")]
    [DataRow("pandas")]
    [DataRow("scipy")]
    [DataRow("django")]
    [DataRow("sqlalchemy")]
    [DataRow("matplotlib")]
    public void So_do_those_of_programs_with_extension_modules(string package)
    {
        var python = Python.Installed.FirstOrDefault(each => each.Run(["-c", $"import {package}"]).ExitCode == 0)
            ?? throw new AssertInconclusiveException($"no CPython here has {package}");
        using var folder = new TemporaryFolder();
        var result = Alloctrace.Run("run", "-q", "-o", folder.File("t.db"), "--", python.Path, Alloctrace.ProgramFile("resident_packages.py"), package).Succeeded();
        AssertSum(long.Parse(result.Lines[^1], CultureInfo.InvariantCulture), Memory.Of(folder.File("t.db")));
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Lines_that_keep_arenas_are_named(Python python)
    {
        var memory = Record(python, "fragmented_arenas", out var rss);
        AssertSum(rss, memory);
        var empty = memory.Of("arena empty") + memory.Of("mimalloc empty");
        Assert.IsGreaterThan(8 << 20, empty + memory.Of("arena slack") + memory.Of("mimalloc slack"));
        var line = memory.Pinned.Take(3).First(each => Outer(each) == "fragmented_arenas"); // without the GIL, imports are before it
        Assert.IsGreaterThan(8 << 20, line.GetProperty("bytes").GetInt64());
        Assert.IsLessThan(200_000, line.GetProperty("live").GetInt64());
    }

    [TestMethod]
    public void Free_space_in_the_C_heap_is_what_mallinfo_says()
    {
        var memory = Record(Python.Default, "fragmented_heap", out var rss, out var lines);
        AssertSum(rss, memory);
        var free = memory.Of("heap free") + memory.Of("heap top");
        var expected = long.Parse(lines[0], CultureInfo.InvariantCulture);
        if (expected > 0)
            Assert.AreEqual(expected, free, expected * 0.05);

        Assert.AreEqual("fragmented_heap", Outer(memory.Pinned[0]));
        Assert.IsGreaterThan(memory.Of("heap free") / 2, memory.Pinned[0].GetProperty("bytes").GetInt64());
    }

    [TestMethod]
    public void What_malloc_trim_returns_is_predicted()
    {
        using var folder = new TemporaryFolder();
        var result = Alloctrace.Run("run", "-q", "-o", folder.File("t.db"), "--", Python.Default.Path, _program, "trimmed").Succeeded();
        var returned = double.Parse(result.Lines[^2], CultureInfo.InvariantCulture);
        Assert.IsGreaterThan(20e6, returned);
        Assert.AreEqual(returned, Memory.Of(folder.File("t.db"), "--at", "before").Root.GetProperty("malloc_trim").GetInt64(), returned * 0.05);
    }

    [TestMethod]
    public void A_leak_in_C_is_what_is_not_recorded()
    {
        var memory = Record(Python.Default, "leak_in_c", out _);
        Assert.AreEqual(20000 * 720, memory.Of("heap unrecorded"), 20000 * 720 * 0.05);
        StringAssert.Contains(memory.Text, "C heap: not recorded");
    }

    [TestMethod]
    public void A_leak_in_C_has_its_line_with_native_malloc()
    {
        using var folder = new TemporaryFolder();
        Alloctrace.Run("run", "-q", "--native", "malloc", "-o", folder.File("t.db"), "--", Python.Default.Path, _program, "leak_in_c").Succeeded();
        var memory = Memory.Of(folder.File("t.db"));
        Assert.IsLessThan(1 << 20, memory.Of("heap unrecorded"));
        var parts = memory.Root.GetProperty("parts").EnumerateArray().Where(part => part.TryGetProperty("name", out var name) && name.GetString() == "malloc").ToArray();
        Assert.AreEqual(20000 * 720, parts.Sum(part => part.GetProperty("resident").GetInt64()), 20000 * 720 * 0.05);
        var lines = memory.Root.GetProperty("live_lines").EnumerateArray().Select(line => line.GetProperty("traceback")).Where(frames => frames.GetArrayLength() > 0);
        Assert.IsTrue(lines.Any(frames => frames[0].GetProperty("function").GetString()!.StartsWith("filled", StringComparison.Ordinal) || frames[0].GetProperty("function").GetString() == "<listcomp>"), memory.Text);
    }

    [TestMethod]
    public void Lines_whose_blocks_are_on_free_lists_are_named()
    {
        // CPython keeps up to 2,000 tuples of each length below 20: to the allocator they are live.
        using var folder = new TemporaryFolder();
        var database = Alloctrace.Record(folder, Python.Default.Path, _program, "free_lists");
        StringAssert.Contains(Alloctrace.Run("memory", database).Succeeded().Output, "resident.py:60 ");
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Stacks_of_threads_are_a_part(Python python)
    {
        var memory = Record(python, "stacks", out var rss, out var lines);
        AssertSum(rss, memory);
        var expected = long.Parse(lines[0], CultureInfo.InvariantCulture);
        Assert.IsGreaterThan(20 * 8192, expected);
        Assert.AreEqual(expected, memory.Of("stacks"), expected * 0.1 + 200_000);
    }

    [TestMethod]
    public void Forked_children_have_accounts_of_their_own()
    {
        using var folder = new TemporaryFolder();
        var result = Alloctrace.Run("run", "-q", "-o", folder.File("t.db"), "--", Python.Default.Path, _program, "forked").Succeeded();
        var memory = Memory.Of(folder.File("t.db"));
        var processes = memory.Root.GetProperty("processes").EnumerateArray().Select(each => new Memory(each, "")).OrderBy(each => each.Of("mapped blocks")).ToArray();
        Assert.HasCount(2, processes);
        var (parent, child) = (processes[0], processes[1]);
        Assert.AreEqual(9_000_000, child.Of("mapped blocks") - parent.Of("mapped blocks"), 20_000);
        Assert.AreEqual(parent.Of("arena live"), child.Of("arena live"), parent.Of("arena live") * 0.02, "it knows its parent's arenas");
        AssertSum(long.Parse(result.Lines[^1], CultureInfo.InvariantCulture), parent);
    }

    [TestMethod]
    public void A_running_process_can_be_looked_at_and_keeps_it_in_snapshots()
    {
        using var folder = new TemporaryFolder();
        using var run = Process.Start(new ProcessStartInfo(Alloctrace.Program, ["run", "-q", "-o", folder.File("t.db"), "--", Python.Default.Path, _program, "waiting"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var pid = run.StandardOutput.ReadLine()!;
        Thread.Sleep(200); // until it waits
        var rss = ResidentOf(pid);
        AssertSum(rss, Memory.Of(pid));
        Alloctrace.Run("snapshot", pid, "loaded").Succeeded();
        run.StandardInput.WriteLine("end");
        run.WaitForExit();
        AssertSum(rss, Memory.Of(folder.File("t.db"), "--at", "loaded"));
        StringAssert.Contains(Alloctrace.Run("memory", folder.File("t.db"), "--at", "unknown").Error, "'loaded'");
    }

    /// <summary>The program limits its CPU to 5 s. To look at each page of its 8 TiB takes more than twice as long.</summary>
    [TestMethod]
    public void Pages_of_sparse_mappings_are_not_looked_up()
    {
        var memory = Record(Python.Default, "sparse", out var rss);
        AssertSum(rss, memory);
        Assert.IsGreaterThanOrEqualTo(100 * 4096, memory.Of("other"));
        StringAssert.Contains(memory.Text, "sparse mappings");
    }

    [TestMethod]
    public void A_killed_process_has_none_and_it_says_why()
    {
        using var folder = new TemporaryFolder();
        Alloctrace.Run("run", "-q", "-o", folder.File("t.db"), "--", Python.Default.Path, _program, "killed");
        var result = Alloctrace.Run("memory", folder.File("t.db"));
        Assert.AreEqual(1, result.ExitCode);
        StringAssert.Contains(result.Error, "it was killed before its interpreter began to finalize");
    }

    [TestMethod]
    public void A_process_that_was_killed_at_its_limit_says_so_and_what_was_alive()
    {
        using var group = LimitedGroup.TryCreate(64 << 20) ?? throw new AssertInconclusiveException("no control group with a limit can be made here");
        using var folder = new TemporaryFolder();
        var result = Alloctrace.Run("run", "-q", "-o", folder.File("t.db"), "--", "sh", "-c", $"echo $$ >{group.Processes} && exec {Python.Default.Path} {_program} at_limit");
        Assert.AreEqual(137, result.ExitCode, result.Error);
        var memory = Alloctrace.Run("memory", folder.File("t.db")).Succeeded().Output;
        StringAssert.Contains(memory, "Killed at its limit of 64.0 MiB");
        StringAssert.Contains(memory, "at_limit");
        Assert.IsTrue(Memory.Of(folder.File("t.db")).Root.GetProperty("control_group").GetProperty("killed").GetBoolean());
    }

    private static Memory Record(Python python, string program, out long rss) => Record(python, program, out rss, out _);

    private static Memory Record(Python python, string program, out long rss, out string[] lines)
    {
        using var folder = new TemporaryFolder();
        var result = Alloctrace.Run("run", "-q", "-o", folder.File("t.db"), "--", python.Path, _program, program).Succeeded();
        lines = result.Lines;
        rss = long.Parse(lines[^1], CultureInfo.InvariantCulture);
        return Memory.Of(folder.File("t.db"));
    }

    /// <summary>To 2 %: the library takes a little more between the program's look and its own.</summary>
    private static void AssertSum(long rss, Memory memory)
    {
        Assert.AreEqual(rss, memory.Resident, rss * 0.02, memory.Root.ToString());
        Assert.AreEqual(memory.Resident, memory.Root.GetProperty("parts").EnumerateArray().Sum(part => part.GetProperty("resident").GetInt64()));
    }

    private static string Outer(JsonElement line) => line.GetProperty("traceback").EnumerateArray().ElementAtOrDefault(1) is { ValueKind: JsonValueKind.Object } frame ? frame.GetProperty("function").GetString()! : "";

    private static long ResidentOf(string pid) =>
        long.Parse(File.ReadLines($"/proc/{pid}/smaps_rollup").First(line => line.StartsWith("Rss:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;

    /// <summary>What <c>memory</c> says.</summary>
    private sealed record Memory(JsonElement Root, string Text)
    {
        public long Resident => Root.GetProperty("resident").GetInt64();

        public long Live => Root.GetProperty("parts").EnumerateArray().Sum(part => part.GetProperty("live").GetInt64());

        public JsonElement[] Pinned => [.. Root.GetProperty("pinned").EnumerateArray()];

        public static Memory Of(string file, params string[] options) => new(
            JsonDocument.Parse(Alloctrace.Run(["memory", file, "--json", .. options]).Succeeded().Output).RootElement, Alloctrace.Run(["memory", file, .. options]).Succeeded().Output);

        public long Of(string kind) =>
            Root.GetProperty("parts").EnumerateArray().Where(part => part.GetProperty("kind").GetString() == kind).Sum(part => part.GetProperty("resident").GetInt64());
    }
}
