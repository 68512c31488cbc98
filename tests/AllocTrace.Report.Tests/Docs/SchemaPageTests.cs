using AllocTrace.Report.Tests.Support;
using AllocTrace.Testing;
using Microsoft.Data.Sqlite;

namespace AllocTrace.Report.Tests.Docs;

[TestClass]
public sealed class SchemaPageTests
{
    [TestMethod]
    public void Every_query_of_the_page_finds_something()
    {
        using var server = new LeakyServer(hasObjects: true);
        using var crashed = new TraceBuilder();
        crashed.Crash(crashed.Process(ending: "killed"));
        crashed.Save();
        using var ofServer = Open(server.Path);
        using var ofCrash = Open(crashed.Path);
        var queries = Queries("schema.md");
        Assert.IsGreaterThan(10, queries.Length);
        foreach (var query in queries)
        {
            using var command = (query.Contains("FROM crash", StringComparison.Ordinal) ? ofCrash : ofServer).CreateCommand();
            command.CommandText = query;
            using var reader = command.ExecuteReader();
            Assert.IsTrue(reader.Read(), query);
        }
    }

    private static SqliteConnection Open(string path)
    {
        var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=False");
        connection.Open();
        return connection;
    }

    /// <summary>Returns the queries of a page of the documentation.</summary>
    internal static string[] Queries(string page) =>
        [.. File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Docs", page)).Split("```sql\n").Skip(1).Select(block => block[..block.IndexOf("```", StringComparison.Ordinal)])];
}
