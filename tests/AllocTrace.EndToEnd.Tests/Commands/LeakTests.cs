using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Requires that a planted leak is named with its function, file, line, blocks and bytes.</summary>
[TestClass]
public sealed class LeakTests
{
    private static readonly string _leak = Path.Combine(AppContext.BaseDirectory, "samples", "leak.py");

    [TestMethod]
    [DynamicData(nameof(Python.EveryRow), typeof(Python))]
    public void A_planted_leak_is_reported_with_exact_count_and_bytes(Python python)
    {
        using var folder = new TemporaryFolder();
        var result = Alloctrace.Run("run", "-o", folder.File("leak.db"), "--", python.Path, _leak).Succeeded();
        Assert.AreEqual("1000 sessions, and nobody is logged in\n", result.Output, "the program's own output is untouched");
        StringAssert.Contains(result.Error, "leak.py:7");

        // Each session holds a bytearray: an object, and 10,000 bytes (in 3.15 a bytes object holds those).
        var expected = long.Parse(python.Run(["-c", "import sys; print(1000 * sys.getsizeof(bytearray(9_999)))"]).Succeeded().Output);
        var leak = Alloctrace.Top(folder.File("leak.db"), "--group-by", "traceback", "--filter", "*leak.py").First();
        Assert.AreEqual(2000, leak.GetProperty("count").GetInt64());
        Assert.AreEqual(expected, leak.GetProperty("size").GetInt64());
        var frames = leak.GetProperty("traceback").EnumerateArray().Select(frame => (frame.GetProperty("lineno").GetInt32(), frame.GetProperty("function").GetString())).ToArray();
        var qualified = python.Minor >= 11;
        CollectionAssert.AreEqual(
            new (int, string?)[] { (31, "<module>"), (24, "serve"), (15, qualified ? "Server.login" : "login"), (7, qualified ? "Session.__init__" : "__init__") }, frames);
    }
}
