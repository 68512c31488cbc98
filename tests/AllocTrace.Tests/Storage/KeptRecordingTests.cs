using System.IO.Compression;

using AllocTrace.Analysis;
using AllocTrace.Storage;
using AllocTrace.Tests.Support;

namespace AllocTrace.Tests.Storage;

/// <summary>A recording that was made when its schema was new is read for as long as that schema is: a change of one without the other is seen here.</summary>
[TestClass]
public sealed class KeptRecordingTests
{
    [TestMethod]
    public void Recording_of_schema_2_is_read()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "schema-2.db");
        using (var kept = new GZipStream(File.OpenRead(Path.Combine(AppContext.BaseDirectory, "kept", "schema-2.db.gz")), CompressionMode.Decompress))
        using (var file = File.Create(path))
            kept.CopyTo(file);

        using var database = TraceDatabase.Open(path);
        Assert.HasCount(1, database.Processes);
        Assert.AreEqual("finalized", database.Processes[0].Ending);
        Assert.IsEmpty(database.Losses);
        var line = Snapshot.Load(database, View.Live).Statistics(GroupBy.Lineno).Single(statistic => statistic.Traceback.Newest?.Filename == "kept.py");
        Assert.AreEqual((104_164, 101), (line.Size, line.Count));
        Assert.AreEqual(new Expression(FirstColumn: 5, EndLine: 1, EndColumn: 16), line.Expression);
        foreach (var view in Enum.GetValues<View>())
            Assert.IsGreaterThan(0, Snapshot.Load(database, view).Count);

        Assert.IsNotEmpty(database.Slices);
    }
}
