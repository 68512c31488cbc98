using AllocTrace.Report.Tests.Support;
using Microsoft.Data.Sqlite;

namespace AllocTrace.Report.Tests.Docs;

[TestClass]
public sealed class SchemaPageTests
{
    [TestMethod]
    public void Every_query_of_the_page_finds_something()
    {
        using var server = new LeakyServer();
        using var connection = new SqliteConnection($"Data Source={server.Path};Mode=ReadOnly;Pooling=False");
        connection.Open();
        var queries = Queries(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Docs", "schema.md"))).ToArray();
        Assert.IsGreaterThan(10, queries.Length);
        foreach (var query in queries)
        {
            using var command = connection.CreateCommand();
            command.CommandText = query;
            using var reader = command.ExecuteReader();
            Assert.IsTrue(reader.Read(), query);
        }
    }

    private static IEnumerable<string> Queries(string page) =>
        page.Split("```sql\n").Skip(1).Select(block => block[..block.IndexOf("```", StringComparison.Ordinal)]);
}
