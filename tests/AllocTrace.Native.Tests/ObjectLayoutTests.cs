using System.Globalization;

using AllocTrace.Objects;
using AllocTrace.Testing;

namespace AllocTrace.Native.Tests;

/// <summary>
/// Compares the layouts of objects with the headers of each CPython on the machine, and with the offsets that a CPython publishes about
/// itself.
/// </summary>
[TestClass]
public sealed class ObjectLayoutTests
{
    private static readonly string _source = Path.Combine(AppContext.BaseDirectory, "offsets", "object_layout.c");

    [TestMethod]
    [DynamicData(nameof(Python.EveryRow), typeof(Python))]
    public void Layout_is_what_the_headers_say(Python python)
    {
        using var folder = new TemporaryFolder();
        var include = python.Run(["-c", "import sysconfig; print(sysconfig.get_path('include'))"]).Succeeded().Lines[0];
        if (!File.Exists(Path.Combine(include, "internal", "pycore_object.h")) && !File.Exists(Path.Combine(include, "internal", "pycore_pystate.h")))
            Assert.Inconclusive($"no headers in {include}");

        // Debian keeps pyconfig.h beside the other headers, in a folder of the architecture.
        var (parent, name) = (Path.GetDirectoryName(include)!, Path.GetFileName(include));
        foreach (var architecture in Directory.GetDirectories(parent, "*-linux-gnu").Where(path => Directory.Exists(Path.Combine(path, name))))
        {
            Directory.CreateDirectory(folder.File(Path.GetFileName(architecture)));
            Directory.CreateSymbolicLink(folder.File(Path.Combine(Path.GetFileName(architecture), name)), Path.Combine(architecture, name));
        }

        var program = folder.File("layout");
        Command.Run("gcc", ["-w", "-DPy_BUILD_CORE", $"-I{include}", $"-I{include}/internal", $"-I{include}/internal/mimalloc", $"-I{folder.Path}", "-o", program, _source]).Succeeded();
        var expected = Command.Run(program, []).Succeeded().Lines.Single();
        Assert.AreEqual(expected, ObjectLayout.Table().Split('\n').Single(row => row.StartsWith(expected[..(expected.IndexOf(' ') + 1)], StringComparison.Ordinal)));
    }

    public static IEnumerable<object[]> Published => ObjectLayout.Table().Split('\n').Where(row => row.Contains('@')).Select(row => new object[] { row });

    [TestMethod]
    [DynamicData(nameof(Published))]
    public void Debug_offsets_are_compared_member_by_member(string row)
    {
        var parts = row.Split(' ');
        var minor = int.Parse(parts[1].Split('=')[1], CultureInfo.InvariantCulture);
        var layout = ObjectLayout.Find(minor, freeThreaded: parts[0].EndsWith('t'))!;
        var members = parts.Where(part => part.Contains('@')).Select(part => part.Split('=', '@')).ToArray();
        var offsets = new byte[1024];
        foreach (var member in members)
            BitConverter.TryWriteBytes(offsets.AsSpan(int.Parse(member[2], CultureInfo.InvariantCulture)), ulong.Parse(member[1], CultureInfo.InvariantCulture));

        Assert.IsNull(layout.DifferenceFrom(offsets));
        foreach (var member in members)
        {
            var other = offsets.ToArray();
            other[int.Parse(member[2], CultureInfo.InvariantCulture)]++;
            Assert.AreEqual(member[0], layout.DifferenceFrom(other));
        }
    }
}
