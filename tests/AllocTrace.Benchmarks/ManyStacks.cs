using AllocTrace.Storage;
using Microsoft.Data.Sqlite;

namespace AllocTrace.Benchmarks;

/// <summary>
/// Makes the database of a program with a million distinct stacks, each of which allocates and has live blocks at the peak and at the end:
/// more than a report should ever meet.
/// </summary>
internal static class ManyStacks
{
    private const int Codes = 5_000;
    private const int Threads = 8;
    private const int Slices = 200;
    private const int SitesOfSlice = 5_000;

    /// <summary>Writes the database. Equal arguments make equal databases.</summary>
    /// <param name="path">The path of the database.</param>
    /// <param name="stacks">The number of stacks.</param>
    /// <param name="version">The version of the program, on which the second half of the stacks depends.</param>
    public static void Write(string path, int stacks, int version = 1)
    {
        File.Delete(path);
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var schema = new StreamReader(typeof(TraceDatabase).Assembly.GetManifestResourceStream("schema.sql")!);
        Execute(connection, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN");
        Execute(connection, schema.ReadToEnd());
        Execute(
            connection,
            $"""
            INSERT INTO process VALUES (1, 100, 1, 'python3 app.py', '/usr/bin/python3', '3.14.0', 'on', 1700000000000000000, 9000000000, 'finalized', 0, 0, 1, 0);
            INSERT INTO domain VALUES (0, 'raw'), (1, 'mem'), (2, 'obj');
            WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < {Threads})
                INSERT INTO thread SELECT i, 1, 100 + i, 'worker', 0, NULL, 0 FROM n;
            WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < {Codes})
                INSERT INTO code SELECT i, '/srv/app/package' || (i / 20) || '/module.py', 'function_' || i, 'Class.function_' || i, (i % 20) * 50 FROM n;
            INSERT INTO snapshot VALUES (1, 1, 'peak', '', 5000000000, 0, 0), (2, 1, 'live', '', 8000000000, 0, 0);
            """);
        WriteStacks(connection, stacks, version);
        Execute(
            connection,
            """
            UPDATE snapshot SET bytes = (SELECT sum(bytes) FROM snapshot_site WHERE snapshot = id),
                                blocks = (SELECT sum(blocks) FROM snapshot_site WHERE snapshot = id);
            COMMIT;
            """);
    }

    private static void WriteStacks(SqliteConnection connection, int stacks, int version)
    {
        var random = new Random(1);
        using var stack = new BatchInsert(connection.Handle!, "stack", columns: 5);
        using var site = new BatchInsert(connection.Handle!, "site", columns: 14);
        using var alive = new BatchInsert(connection.Handle!, "snapshot_site", columns: 4);
        stack.Add(0, null, null, 0, 0);
        var depth = new int[stacks + 1];
        for (var id = 1; id <= stacks; id++)
        {
            if (id == stacks / 2)
                random = new Random(version);

            // Stacks grow out of the latest ones, as in a program that moves on.
            var caller = id <= 100 ? id - 1 : Math.Max(0, id - 1 - random.Next(random.Next(5) == 0 ? id : 200));
            depth[id] = depth[caller] + 1;
            stack.Add(id, caller, 1 + random.Next(Codes), 1 + random.Next(1000), depth[id]);
            long blocks = 1 + random.Next(100), bytes = blocks * (16 + random.Next(500));
            site.Add(id, 1, 1 + random.Next(Threads), random.Next(3), id, 3 * bytes, 3 * blocks, 2 * bytes, 2 * blocks, bytes, blocks, 0, 0, 0);
        }

        stack.Flush();
        site.Flush();
        for (var moment = 1; moment <= 2; moment++)
        {
            for (var id = 1; id <= stacks; id++)
            {
                long blocks = 1 + random.Next(100);
                alive.Add(moment, id, blocks * (16 + random.Next(500)), blocks);
            }
        }

        alive.Flush();
        WriteSlices(connection, stacks, random);
    }

    /// <summary>Writes 200 slices of 45 ms, in each of which 5,000 sites are active.</summary>
    private static void WriteSlices(SqliteConnection connection, int stacks, Random random)
    {
        using var slice = new BatchInsert(connection.Handle!, "slice", columns: 8);
        using var change = new BatchInsert(connection.Handle!, "slice_site", columns: 6);
        for (var id = 1; id <= Slices; id++)
        {
            slice.Add(id, 1, (id - 1) * 45_000_000, id * 45_000_000, id * 1_000_000, id * 10_000, id * 1_100_000, id * 2_000_000);
            foreach (var site in Enumerable.Range(0, SitesOfSlice).Select(_ => 1 + random.Next(stacks)).Distinct().Order())
                change.Add(id, site, 1000, 10, 500, 5);
        }

        slice.Flush();
        change.Flush();
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
