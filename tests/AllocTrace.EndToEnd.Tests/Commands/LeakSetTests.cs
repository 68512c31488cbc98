using System.Text.Json;
using System.Text.RegularExpressions;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Records planted leaks of many kinds and their clean twins (programs/leaks.py) in turns. <c>leaks</c> must list each leak's line among
/// the first three, and nothing of note for a twin.
/// </summary>
[TestClass]
public sealed class LeakSetTests
{
    private static readonly string _program = Alloctrace.ProgramFile("leaks.py");

    [TestMethod]
    [DataRow("growing_list", "growing_list")]
    [DataRow("unbounded_dict", "unbounded_dict")]
    [DataRow("closures", "subscribe")]
    [DataRow("cycles", "Node")]
    [DataRow("registry", "Registry")]
    [DataRow("requests_in_threads", "handle")]
    [DataRow("tracebacks", "fail")]
    [DataRow("handlers", "Listener")]
    [DataRow("generators", "numbers")]
    [DataRow("class_attributes", "Model")]
    [DataRow("bursts", "bursts")]
    [DataRow("first_half", "first_half")]
    [DataRow("third_then_idle", "third_then_idle")]
    [DataRow("slow_drip", "slow_drip")]
    [DataRow("cached_function", "everything")]
    [DataRow("workers", "worker")]
    [DataRow("importing", "importing")]
    [DataRow("in_a_local", "in_a_local")]
    [DataRow("growing_buffer", "growing_buffer")]
    [DataRow("forked", "worker")]
    [DataRow("arrays", "arrays")]
    public void Leak_is_among_the_first_three_and_its_twin_is_clean(string name, string definition)
    {
        var python = name != "arrays" ? Python.Default : Python.Installed.FirstOrDefault(each => each.Run(["-c", "import numpy"]).ExitCode == 0);
        if (python is null)
            Assert.Inconclusive("no Python has numpy");

        using var folder = new TemporaryFolder();
        var line = LineOf(definition);
        var leak = Record(folder, python, name, "leak");
        var size = 0L;
        foreach (var group in (string[])["lineno", "traceback"])
        {
            var growing = Growing(leak, group).Take(3).ToArray();
            var first = growing.FirstOrDefault(row => row.Line == line);
            Assert.AreNotEqual(default, first, $"{group}: line {line} is not among {string.Join(", ", growing)}");
            size = group == "lineno" ? first.Size : size;
        }

        var clean = Growing(Record(folder, python, name, "clean"), "lineno").ToArray();
        Assert.IsLessThanOrEqualTo(size / 10, clean.Select(row => row.Size).DefaultIfEmpty().Max(), string.Join(", ", clean.Take(5)));
    }

    [TestMethod]
    public void Sample_names_its_leak_at_once_and_gates_find_it()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("leak.db");
        var run = Alloctrace.Run("run", "-o", database, "--", Python.Default.Path, "-S", Path.Combine(AppContext.BaseDirectory, "samples", "leak.py")).Succeeded();
        var growing = run.Error[run.Error.IndexOf("Lines that kept growing", StringComparison.Ordinal)..run.Error.IndexOf("Lines that hold most", StringComparison.Ordinal)];
        StringAssert.Contains(growing.Split('\n')[2], "leak.py:7 ");
        StringAssert.Contains(Alloctrace.Run("leaks", database).Succeeded().Output, "leak.py:7 ");
        Assert.AreEqual(4, Alloctrace.Run("leaks", database, "--fail-growth", "1MiB").ExitCode);
    }

    private static string Record(TemporaryFolder folder, Python python, string name, string mode)
    {
        var database = folder.File($"{mode}.db");
        string[] options = name == "arrays" ? [] : ["-S"];
        Alloctrace.Run(["run", "-q", "-o", database, "--", python.Path, .. options, _program, name, mode]).Succeeded();
        return database;
    }

    private static IEnumerable<(int Line, long Size)> Growing(string database, string group)
    {
        var json = JsonDocument.Parse(Alloctrace.Run("leaks", database, "--json", "-n", "0", "-g", group).Succeeded().Output).RootElement;
        return json.GetProperty("series").EnumerateArray().SelectMany(series => series.GetProperty("growing").EnumerateArray())
            .Select(row => (Frame: row.GetProperty("traceback").EnumerateArray().LastOrDefault(), Size: row.GetProperty("size_growth").GetInt64()))
            .Select(row => (row.Frame.ValueKind == JsonValueKind.Object && row.Frame.GetProperty("filename").GetString() == _program ? row.Frame.GetProperty("lineno").GetInt32() : 0, row.Size))
            .OrderByDescending(row => row.Size);
    }

    /// <summary>Returns the first line with LEAK after a definition.</summary>
    private static int LineOf(string definition)
    {
        var lines = File.ReadAllLines(_program);
        var begin = Array.FindIndex(lines, line => Regex.IsMatch(line, $@"^\s*(def|class) {definition}\b"));
        return Array.FindIndex(lines, begin, line => line.EndsWith("# LEAK", StringComparison.Ordinal)) + 1;
    }
}
