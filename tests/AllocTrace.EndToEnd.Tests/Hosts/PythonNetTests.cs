using System.Reflection;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Tests the sample with pythonnet, which loads libpython at run time.</summary>
[TestClass]
public sealed class PythonNetTests
{
    private const string Library = "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0";

    private static readonly string _host = typeof(PythonNetTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(each => each.Key == "PythonNetHost").Value!;

    [TestMethod]
    public void Python_of_pythonnet_is_recorded_with_its_lines()
    {
        if (!File.Exists(Library))
            Assert.Inconclusive($"no {Library}");

        using var folder = new TemporaryFolder();
        var database = folder.File("host.db");
        var result = Command.Run("dotnet", [_host, Library, database]).Succeeded();
        StringAssert.Contains(result.Output, ", line 1: ");
        Assert.IsGreaterThan(5_000_000, TraceQuery.Single<long>(database, "SELECT sum(allocated_bytes) FROM site_frame WHERE filename = '<string>' AND lineno = 1"));
    }
}
