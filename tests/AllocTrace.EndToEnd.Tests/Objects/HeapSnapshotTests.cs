using System.Reflection;
using System.Text.Json;

using AllocTrace.Objects;
using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Tests heap snapshots as JSON, and in the Memory panel of a real Chromium.</summary>
[TestClass]
public sealed class HeapSnapshotTests
{
    private static readonly string _browser = typeof(HeapSnapshotTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "BrowserFolder").Value!;

    [TestMethod]
    public void Snapshot_is_what_its_header_says()
    {
        using var program = Start("events");
        using var folder = new TemporaryFolder();
        var path = Write(HeapAnalysis.Of(program.Graph()), folder);
        using var file = JsonDocument.Parse(File.ReadAllBytes(path));
        var header = file.RootElement.GetProperty("snapshot");
        var nodes = Numbers("nodes");
        var edges = Numbers("edges");
        var (count, strings) = (header.GetProperty("node_count").GetInt64(), file.RootElement.GetProperty("strings").GetArrayLength());
        Assert.AreEqual(7 * count, nodes.Length);
        Assert.AreEqual(3 * header.GetProperty("edge_count").GetInt64(), edges.Length);
        Assert.AreEqual(edges.Length / 3, Enumerable.Range(0, (int)count).Sum(node => nodes[(7 * node) + 4]));
        Assert.AreEqual(count, Enumerable.Range(0, (int)count).Select(node => nodes[(7 * node) + 2]).Distinct().Count());
        Assert.IsTrue(Enumerable.Range(0, edges.Length / 3).All(edge => edges[(3 * edge) + 2] % 7 == 0 && edges[(3 * edge) + 2] < nodes.Length));
        Assert.IsTrue(Enumerable.Range(0, (int)count).All(node => nodes[(7 * node) + 1] < strings));

        long[] Numbers(string name) => [.. file.RootElement.GetProperty(name).EnumerateArray().Select(number => number.GetInt64())];
    }

    [TestMethod]
    public void Chromium_loads_a_heap_snapshot()
    {
        if (!ToolPath.Exists("node") || !ToolPath.Exists("chromium") || !Directory.Exists(Path.Combine(_browser, "node_modules")))
            Assert.Inconclusive("needs Chromium, Node, and 'npm ci' in tests/AllocTrace.Report.Tests/Browser");

        using var program = Start("cache");
        using var folder = new TemporaryFolder();
        var graph = program.Graph();
        var analysis = HeapAnalysis.Of(graph);
        var path = Write(analysis, folder);
        using var told = JsonDocument.Parse(Command.Run("node", [Path.Combine(_browser, "heapsnapshot.mjs"), path, "__main__.Record", "CACHE"], folder: _browser).Succeeded().Output);
        using var file = JsonDocument.Parse(File.ReadAllBytes(path));
        var header = file.RootElement.GetProperty("snapshot");
        var records = analysis.HoldersOfType(Enumerable.Range(0, analysis.Types.Count).Single(type => analysis.Types[type].FullName == "__main__.Record"));
        Assert.AreEqual(header.GetProperty("node_count").GetInt64(), Number("nodes"));
        Assert.AreEqual(header.GetProperty("edge_count").GetInt64(), Number("edges"));
        Assert.AreEqual(Enumerable.Range(0, graph.Blocks.Length).Where(block => analysis.KindOf(block) != BlockKind.Free).Sum(block => graph.Blocks[block].Bytes), Number("bytes"));
        Assert.AreEqual(records.Blocks, Number("ofType"));
        Assert.AreEqual(records.Dominator!.Retained, Number("retained"));
        Assert.Contains("load /srv/app.py:7", told.RootElement.GetProperty("lines").EnumerateArray().Select(line => line.GetString()));

        long Number(string name) => told.RootElement.GetProperty(name).GetInt64();
    }

    private static ObservedProgram Start(string leak)
    {
        var python = Python.Installed.FirstOrDefault(python => !python.IsFreeThreaded) ?? throw new AssertInconclusiveException("needs a CPython with the GIL");
        return new ObservedProgram(python, "planted.py", environment: [("LEAK", leak), ("N", "2000")]);
    }

    private static string Write(HeapAnalysis analysis, TemporaryFolder folder)
    {
        var path = folder.File("app.heapsnapshot");
        using var file = File.Create(path);
        analysis.WriteHeapSnapshot(file, site => new SnapshotSite("load", "/srv/app.py", 7 + site));
        return path;
    }
}
