using AllocTrace.Analysis;
using AllocTrace.Storage;
using AllocTrace.Testing;

namespace AllocTrace.Tests.Storage;

[TestClass]
public sealed class TraceDatabaseTests
{
    [TestMethod]
    public void Metadata_is_what_was_written()
    {
        using var trace = new TraceBuilder();
        var process = trace.Process(pid: 7, command: "python3 'a b.py'", stacks: "off: unknown CPython 3.99");
        var thread = trace.Thread(process, "worker", osId: 8);
        var site = trace.Site(thread, "389047", trace.Stack(), new MemoryAmount(10, 1), peak: new MemoryAmount(10, 1));
        trace.Named(process, "after start", site, new MemoryAmount(10, 1));
        trace.Loss(process, "slabs full", 5, 1, 2);
        using var database = TraceDatabase.Open(trace.Save());

        var read = database.Processes.Single();
        Assert.AreEqual(7, read.Pid);
        Assert.AreEqual("python3 'a b.py'", read.Command);
        Assert.IsFalse(read.HasStacks);
        Assert.AreEqual(TimeSpan.FromSeconds(2.5), read.Duration);
        Assert.AreEqual(new DateTimeOffset(2023, 11, 14, 22, 13, 20, TimeSpan.Zero), read.StartedAt);
        Assert.AreEqual(new TraceThread(1, 1, 8, "worker", 0, null, 0), database.Threads.Single());
        CollectionAssert.AreEqual(new[] { "raw", "mem", "obj", "numpy" }, database.Domains.Select(domain => domain.Name).ToArray());
        CollectionAssert.AreEqual(new[] { SnapshotKind.Peak, SnapshotKind.Named }, database.Snapshots.Select(snapshot => snapshot.Kind).ToArray());
        Assert.AreEqual(new TraceLoss(1, null, LossReason.SlabsFull, 5, 1, 2), database.Losses.Single());
    }

    [TestMethod]
    public void Open_does_not_change_the_file()
    {
        using var trace = new TraceBuilder();
        var path = trace.Save();
        var before = File.ReadAllBytes(path);
        using (var database = TraceDatabase.Open(path))
            Assert.IsEmpty(Snapshot.Load(database).Statistics(GroupBy.Lineno));

        CollectionAssert.AreEqual(before, File.ReadAllBytes(path));
        Assert.HasCount(1, Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [TestMethod]
    public void Missing_file_is_an_IOException() =>
        Assert.ThrowsExactly<FileNotFoundException>(() => TraceDatabase.Open("/nonexistent.db".TrimStart('/')));

    [TestMethod]
    public void Folder_is_an_IOException()
    {
        var e = Assert.ThrowsExactly<IOException>(() => TraceDatabase.Open(Path.GetTempPath()));
        Assert.EndsWith("is a folder", e.Message);
    }

    [TestMethod]
    [DataRow("hello, this is text\n")]
    [DataRow("")]
    [DataRow("SQLite format 3\0 and then nothing that SQLite knows")]
    public void File_that_is_no_database_is_not_a_recording(string content)
    {
        using var trace = new TraceBuilder();
        trace.Save();
        File.WriteAllText(trace.Path, content);
        AssertInvalid(trace.Path, "not an AllocTrace recording");
    }

    [TestMethod]
    public void Database_of_another_application_is_not_a_recording()
    {
        using var trace = new TraceBuilder();
        trace.Execute("COMMIT; PRAGMA application_id = 1; BEGIN");
        AssertInvalid(trace.Save(), "not an AllocTrace recording");
    }

    [TestMethod]
    [DataRow(1, "written by an older alloctrace (schema version 1, this one reads 2)")]
    [DataRow(3, "written by a newer alloctrace (schema version 3, this one reads 2)")]
    public void Other_schema_version_is_named(int version, string reason)
    {
        using var trace = new TraceBuilder();
        trace.Execute($"COMMIT; PRAGMA user_version = {version}; BEGIN");
        AssertInvalid(trace.Save(), reason);
    }

    [TestMethod]
    public void Truncated_file_is_damaged()
    {
        using var trace = new TraceBuilder();
        var path = trace.Save();
        using (var file = File.OpenWrite(path))
            file.SetLength(file.Length / 2);

        AssertInvalid(path, "damaged: ");
    }

    [TestMethod]
    [DataRow("DROP TABLE loss", "damaged: ")]
    [DataRow("DELETE FROM stack", "damaged: there is no stack 0")]
    [DataRow("UPDATE stack SET caller = 2 WHERE id = 2", "damaged: stack 2 has caller 2, which is not before it")]
    [DataRow("UPDATE stack SET caller = 2 WHERE id = 1", "damaged: stack 1 has caller 2, which is not before it")]
    [DataRow("UPDATE stack SET code = 77 WHERE id = 1", "damaged: stack 1 has code 77, which does not exist")]
    [DataRow("UPDATE stack SET line = 1 << 40 WHERE id = 1", "damaged: ")]
    [DataRow("UPDATE site SET stack = 99", "damaged: there is no stack 99")]
    [DataRow("UPDATE site SET thread = 99", "damaged: there is no thread 99")]
    [DataRow("UPDATE site SET domain = 99", "damaged: there is no domain 99")]
    [DataRow("UPDATE thread SET process = 99", "damaged: there is no process 99")]
    [DataRow("UPDATE process SET pid = 'many'", "damaged: ")]
    public void Row_that_does_not_fit_is_damage(string change, string reason)
    {
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process());
        var stack = trace.Stack(new Frame("a.py", 1, "f"), new Frame("a.py", 2, "g"));
        trace.Site(thread, "obj", stack, new MemoryAmount(1, 1), live: new MemoryAmount(1, 1));
        trace.Execute($"COMMIT; PRAGMA foreign_keys = OFF; BEGIN; {change}");
        AssertInvalid(trace.Save(), reason);
    }

    [TestMethod]
    [DataRow("SELECT 1")]
    [DataRow("INSERT INTO slice VALUES (5, 1, 0, 1, 0, 0, 0, NULL)")]
    public void Change_of_a_slice_that_is_not_there_is_damage(string slices)
    {
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process());
        var stack = trace.Stack(new Frame("a.py", 1, "f"));
        trace.Site(thread, "obj", stack, new MemoryAmount(1, 1), live: new MemoryAmount(1, 1));
        trace.Execute($"COMMIT; PRAGMA foreign_keys = OFF; BEGIN; DELETE FROM slice; {slices}; INSERT INTO slice_site VALUES (4, 1, 1, 1, 0, 0)");
        using var database = TraceDatabase.Open(trace.Save());
        var e = Assert.ThrowsExactly<InvalidTraceException>(() => database.VisitSlices(_ => { }));
        Assert.EndsWith("damaged: there is no slice 4", e.Message);
    }

    [TestMethod]
    public void Numbers_of_stacks_may_have_gaps()
    {
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process());
        trace.Stack(new Frame("a.py", 1, "f"), new Frame("a.py", 2, "g"));
        trace.Execute("COMMIT; PRAGMA foreign_keys = OFF; BEGIN; UPDATE stack SET id = 5000000000 WHERE id = 2");
        trace.Execute("INSERT INTO site VALUES (1, 1, ?1, 0, 5000000000, 64, 2, 0, 0, 0, 0, 0, 0, 0)", thread);
        using var database = TraceDatabase.Open(trace.Save());

        var statistic = Snapshot.Load(database, View.Total).Statistics(GroupBy.Traceback).Single();
        Assert.AreEqual(new Statistic(64, 2, new Traceback(new Frame("a.py", 1, "f"), new Frame("a.py", 2, "g"))), statistic);
    }

    private static void AssertInvalid(string path, string reason)
    {
        var e = Assert.ThrowsExactly<InvalidTraceException>(() =>
        {
            using var database = TraceDatabase.Open(path);
            Snapshot.Load(database);
        });
        Assert.AreEqual(path, e.Path);
        Assert.StartsWith($"{path}: {reason}", e.Message);
        Assert.DoesNotContain("\n", e.Message);
    }
}
