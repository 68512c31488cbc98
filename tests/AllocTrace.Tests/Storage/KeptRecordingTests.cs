using System.IO.Compression;

using AllocTrace.Analysis;
using AllocTrace.Storage;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;

namespace AllocTrace.Tests.Storage;

/// <summary>
/// Reads recordings that were made when their schema was new, for as long as that schema is supported: a change of the schema without a new
/// version fails here.
/// </summary>
[TestClass]
public sealed class KeptRecordingTests
{
    [TestMethod]
    public void Recording_of_schema_2_is_read()
    {
        using var folder = new TemporaryFolder();
        using var database = TraceDatabase.Open(Unpack(folder, "schema-2.db"));
        Assert.IsEmpty(database.EventLogs);
        Assert.HasCount(1, database.Processes);
        Assert.AreEqual(ProcessEnding.Finalized, database.Processes[0].Ending);
        Assert.IsEmpty(database.Losses);
        var line = Snapshot.Load(database, View.Live).Statistics(GroupBy.Lineno).Single(statistic => statistic.Traceback.Newest?.Filename == "kept.py");
        Assert.AreEqual((104_164, 101), (line.Size, line.Count));
        Assert.AreEqual(new Expression(FirstColumn: 5, EndLine: 1, EndColumn: 16), line.Expression);
        foreach (var view in Enum.GetValues<View>())
            Assert.IsGreaterThan(0, Snapshot.Load(database, view).Blocks);

        Assert.IsNotEmpty(database.Slices);
    }
    /// <summary>
    /// Reads the recording of <c>x = [bytearray(1000) for i in range(20)]; del x[:5]</c>, in two lines, without the domain obj.
    /// </summary>
    [TestMethod]
    public void Event_log_of_schema_2_is_read()
    {
        using var folder = new TemporaryFolder();
        using var database = TraceDatabase.Open(Unpack(folder, "schema-2-events.db"));
        var process = database.Processes.Single();
        var log = database.EventLogs.Single();
        var events = AllocationEvent.Read(database, process).ToArray();
        Assert.AreEqual((events.LongLength, 0L, null), (log.Events, log.LeftOut, log.LeftOutNs));
        var buffers = events.Where(each => each.Bytes == 1001 && each.TracebackIn(database).Newest?.Filename.EndsWith("/kept.py", StringComparison.Ordinal) == true).ToArray();
        Assert.AreEqual((20, 20), (buffers.Count(each => each.Kind == AllocationKind.Malloc), buffers.Count(each => each.Kind == AllocationKind.Free)));
    }

    private static string Unpack(TemporaryFolder folder, string name)
    {
        var path = Path.Combine(folder.Path, name);
        using var kept = new GZipStream(File.OpenRead(Path.Combine(AppContext.BaseDirectory, "kept", $"{name}.gz")), CompressionMode.Decompress);
        using var file = File.Create(path);
        kept.CopyTo(file);
        return path;
    }
}
