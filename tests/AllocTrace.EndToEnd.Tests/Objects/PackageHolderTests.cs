using System.Globalization;
using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Leaks in programs that use Django and pandas, in two commands: the path to each, and the bytes that it retains, against what tracemalloc and pandas say in
/// a run that is not recorded.
/// </summary>
[TestClass]
public sealed class PackageHolderTests
{
    [TestMethod]
    public void Django_instances_are_held_by_the_cache_of_their_queries()
    {
        var python = WithPackage("django");
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, "django_cache.py");
        var products = Held(database, "Product");
        Assert.AreEqual(("__main__.Product", 2000), (products.GetProperty("type").GetString(), products.GetProperty("count").GetInt32()));
        Assert.AreEqual(("cache.CACHE[*]._result_cache[*]", 2000), FirstHolder(products), products.ToString());
        AssertAbout(Say(python, "django_cache.py", "freed"), Retained(products));

        var queries = Held(database, "QuerySet");
        Assert.AreEqual(("cache.CACHE[*]", 100), FirstHolder(queries), queries.ToString());
        Assert.IsGreaterThan(Retained(products), Retained(queries));
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("columns")]
    public void Pandas_tables_and_their_data_are_held_by_a_dict(string used)
    {
        var python = WithPackage("pandas");
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, "pandas_reports.py", used);
        var size = Say(python, "pandas_reports.py", "size");
        var tables = Held(database, "DataFrame");
        Assert.AreEqual(("reports.TABLES[*]", 10), FirstHolder(tables), tables.ToString());
        AssertAbout(size, Retained(tables));

        // The data belong to arrays, and the strings to those with objects, whether there are views of them or not.
        var strings = Held(database, "pandas_reports.py:14", type: "builtins.str");
        var (path, count) = FirstHolder(strings);
        Assert.StartsWith("reports.TABLES[*]", path);
        Assert.EndsWith("[*]", path);
        Assert.AreEqual(200_000, count);
        AssertAbout(size, Held(database, "ndarray").GetProperty("retained").GetInt64());
    }

    /// <summary>Debian's own CPython, for which the packages are.</summary>
    private static Python WithPackage(string package)
    {
        var python = new Python("/usr/bin/python3", 11, "3.11.2");
        return File.Exists(python.Path) && python.Run(["-c", $"import {package}"]).ExitCode == 0 ? python : throw new AssertInconclusiveException($"needs {package} for {python.Path}");
    }

    private static string Record(TemporaryFolder folder, Python python, string program, params string[] arguments)
    {
        var database = folder.File("t.db");
        Alloctrace.Run(["run", "-q", "--objects", "end", "-o", database, "--", python.Path, Alloctrace.ProgramFile(program), .. arguments]).Succeeded();
        return database;
    }

    private static long Say(Python python, string program, string argument) =>
        long.Parse(python.Run([Alloctrace.ProgramFile(program), argument]).Succeeded().Output, CultureInfo.InvariantCulture);

    private static JsonElement Held(string database, string what, string? type = null) =>
        JsonDocument.Parse(Alloctrace.Run("holders", database, what, "--json").Succeeded().Output).RootElement.GetProperty("types").EnumerateArray()
            .First(each => type is null || each.GetProperty("type").GetString() == type);

    private static (string? Path, int Count) FirstHolder(JsonElement type) =>
        (type.GetProperty("holders")[0].GetProperty("path").GetString(), type.GetProperty("holders")[0].GetProperty("count").GetInt32());

    private static long Retained(JsonElement type) => type.GetProperty("holders")[0].GetProperty("retained").GetInt64();

    private static void AssertAbout(long expected, long retained) => Assert.IsLessThan(0.01, Math.Abs(1 - (retained / (double)expected)), $"{retained} retained, {expected} expected");
}
