using AllocTrace.Stacks;
using AllocTrace.Testing;

namespace AllocTrace.Native.Tests;

/// <summary>Compares our decoders with CPython's own answers, for code of every kind and every version on the machine.</summary>
[TestClass]
public sealed class LineTableTests
{
    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Lines_are_those_of_CPython(Python python)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "scripts", "line_tables.py");
        var pairs = python.Run([script, "7"]).Succeeded().Lines;
        var tables = pairs.Where((_, i) => i % 2 == 0).ToArray();
        var expected = pairs.Where((_, i) => i % 2 == 1).ToArray();
        Assert.IsGreaterThan(500, tables.Length);
        var ours = NativeParts.RunWithInput(string.Join('\n', tables) + "\n", "--lines").Succeeded().Lines;
        Assert.HasCount(expected.Length, ours);
        for (var i = 0; i < ours.Length; i++)
        {
            Assert.AreEqual(expected[i], ours[i], tables[i]);
            Assert.AreEqual(expected[i], Managed(tables[i]), tables[i]);
        }
    }

    /// <summary>
    /// Runs the decoder of <c>alloctrace stack</c> with the input of <c>native-parts --lines</c>: format, first line, units, table.
    /// </summary>
    private static string Managed(string table)
    {
        var parts = table.Split(' ');
        var (format, firstLine, units) = ((LineFormat)int.Parse(parts[0]), int.Parse(parts[1]), int.Parse(parts[2]));
        var bytes = parts[3] == "-" ? [] : Convert.FromHexString(parts[3]);
        return string.Join(' ', Enumerable.Range(0, units).Select(unit => Math.Max(LineTable.Line(format, bytes, firstLine, unit), 0)));
    }
}
