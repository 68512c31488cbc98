using System.Globalization;
using System.Reflection;
using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>
/// Merges recordings into one. Equal code objects, stacks and domains become one row; all other rows are copied and get new numbers. The
/// references between tables are read from the schema.
/// </summary>
public static class TraceMerge
{
    private const string StackTable = "stack";

    // Tables that a recording need not have, each by the first table of its schema.
    private static readonly (string Table, string Schema)[] _optional = [("event_log", "events.sql"), ("object_snapshot", "objects.sql"), ("native_code", "native.sql"), ("slice_span", "spans.sql")];

    // The conditions under which rows of two recordings are the same.
    private static readonly Dictionary<string, string> _matched = new()
    {
        ["domain"] = $"new.name = {KnownDomain.NameSql("old.name")}",
        ["code"] = "new.filename = old.filename AND new.qualname = old.qualname AND new.first_line = old.first_line AND new.name = old.name",
    };

    /// <summary>Writes the merged recording. The sources are not changed.</summary>
    /// <param name="path">The file to write. It appears under this name when it is complete.</param>
    /// <param name="overwrite">True to replace an existing file.</param>
    /// <param name="recordings">The recordings to merge; their processes are kept in this order.</param>
    /// <returns>The number of processes in the merged recording.</returns>
    /// <exception cref="InvalidTraceException">A source is not a recording, or is damaged. Nothing was written.</exception>
    /// <exception cref="IOException">A source cannot be read, or the file cannot be written or exists. The message is one line.</exception>
    public static int Write(string path, bool overwrite, IReadOnlyList<string> recordings)
    {
        foreach (var recording in recordings)
        {
            using var database = TraceDatabase.Open(recording); // says what is wrong with it
            _ = database.Stacks;
        }

        using var target = new OutputFile(path);
        TraceWriter.CheckTarget(target, overwrite);
        var unfinished = $"{target.Name}.{Path.GetRandomFileName()}.unfinished";
        try
        {
            var processes = Write(unfinished, recordings);
            TraceWriter.CheckKind(target);
            File.Move(unfinished, target.Name, overwrite);
            return processes;
        }
        catch (SqliteException e)
        {
            throw new IOException(target.Shown($"{path} cannot be written: {e.Message}"), e);
        }
        finally
        {
            File.Delete(unfinished);
            File.Delete(ScratchOf(unfinished));
        }
    }

    private static int Write(string path, IReadOnlyList<string> recordings)
    {
        var name = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, Vfs = HeldPathVfs.For(path) };
        using var connection = new SqliteConnection(name.ToString());
        connection.Open();
        ForeignFile.Restrict(connection.Handle!);
        connection.Run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF");
        connection.Run(TraceWriter.Schema());

        connection.Run(
            "INSERT INTO meta VALUES ('version', @version), ('created_at', @createdAt), ('merged', @merged)",
            ("@version", typeof(TraceMerge).Assembly.GetName().Version!.ToString(3)),
            ("@createdAt", DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)),
            ("@merged", recordings.Count));
        using var stacks = new KnownStacks(connection, ScratchOf(path));
        foreach (var recording in recordings)
            Add(connection, recording, stacks);

        connection.Run("PRAGMA optimize");
        return (int)connection.Number("SELECT count(*) FROM process");
    }

    private static string ScratchOf(string path) => $"{path}.stacks";

    private static void Add(SqliteConnection connection, string recording, KnownStacks stacks)
    {
        connection.Run("ATTACH @path AS source", ("@path", Path.GetFullPath(recording)));
        connection.Run("BEGIN IMMEDIATE");
        foreach (var (first, schema) in _optional)
        {
            if (Tables(connection, "source").Contains(first) && !Tables(connection, "main").Contains(first))
                connection.Run(TraceWriter.Schema(schema));
        }

        string[] tables = [.. Tables(connection, "main").Intersect(Tables(connection, "source")).Where(table => table != "meta")];
        var offsets = Offsets(connection, tables);
        foreach (var (table, same) in _matched)
        {
            var columns = string.Join(", ", Columns(connection, table).Where(column => column != "id"));
            connection.Run(
                $"""
                INSERT INTO main.{table} (id, {columns})
                    SELECT old.id + {offsets[table]}, {columns} FROM source.{table} AS old WHERE NOT EXISTS (SELECT 1 FROM main.{table} AS new WHERE {same});
                UPDATE domain SET name = {KnownDomain.NameSql("name")} WHERE name <> {KnownDomain.NameSql("name")};
                CREATE TEMP TABLE {table}_number AS SELECT old.id AS old, new.id AS new FROM source.{table} AS old JOIN main.{table} AS new ON {same};
                CREATE UNIQUE INDEX {table}_number_old ON {table}_number (old);
                """);
        }

        AddStacks(connection, stacks);
        foreach (var table in tables.Where(table => table != StackTable && !_matched.ContainsKey(table)))
            connection.Run(Copy(connection, table, offsets));

        connection.Run("DROP TABLE domain_number; DROP TABLE code_number; DROP TABLE stack_number; COMMIT; DETACH source");
    }

    private static void AddStacks(SqliteConnection connection, KnownStacks stacks)
    {
        connection.Run("CREATE TEMP TABLE stack_number (old INTEGER PRIMARY KEY, new INTEGER, is_new INTEGER)");
        var numbers = new Dictionary<long, long>();
        using (var command = connection.CreateCommand())
        using (var insert = new BatchInsert(connection.Handle!, "stack_number", columns: 3))
        {
            command.CommandText =
                """
                SELECT stack.id, ifnull(caller, -1), ifnull(code_number.new, -1), line
                FROM source.stack LEFT JOIN code_number ON code_number.old = stack.code ORDER BY stack.id
                """;
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                // Stack 0 has no caller; a caller comes before those that it called.
                var caller = reader.GetInt64(1);
                var number = stacks.NumberOf(caller < 0 ? -1 : numbers[caller], reader.GetInt64(2), reader.GetInt64(3), out var isNew);
                numbers.Add(reader.GetInt64(0), number);
                insert.Add(reader.GetInt64(0), number, isNew ? 1 : 0);
            }

            insert.Flush();
        }

        var others = string.Concat(Columns(connection, StackTable).Where(column => column is not ("id" or "caller" or "code")).Select(column => $", {column}"));
        connection.Run(
            $"""
            INSERT INTO main.stack (id, caller, code{others})
                SELECT own.new, callers.new, code_number.new{others} FROM source.stack
                JOIN stack_number AS own ON own.old = stack.id AND own.is_new
                LEFT JOIN stack_number AS callers ON callers.old = stack.caller
                LEFT JOIN code_number ON code_number.old = stack.code
                ORDER BY own.new
            """);
    }

    /// <summary>Copies a table, its numbers and those that it refers to changed.</summary>
    private static string Copy(SqliteConnection connection, string table, Dictionary<string, long> offsets)
    {
        var references = References(connection, table, "from").Zip(References(connection, table, "table")).ToDictionary();
        var columns = Columns(connection, table);
        var values = columns.Select(column => references.TryGetValue(column, out var referred)
            ? referred == StackTable || _matched.ContainsKey(referred)
                ? $"(SELECT new FROM {referred}_number WHERE old = {column})"
                : $"{column} + {offsets[referred]}"
            : column == "id" ? $"id + {offsets[table]}" : column);
        var insert = table == "native_code" ? "INSERT OR IGNORE" : "INSERT"; // a code that both have
        return $"{insert} INTO main.{table} ({string.Join(", ", columns)}) SELECT {string.Join(", ", values)} FROM source.{table}";
    }

    private static string[] Tables(SqliteConnection connection, string database) =>
        connection.Texts($"SELECT name FROM {database}.sqlite_schema WHERE type = 'table' ORDER BY rowid");

    private static string[] Columns(SqliteConnection connection, string table) =>
        connection.Texts("SELECT name FROM pragma_table_info(@table, 'main')", ("@table", table));

    /// <summary>A column of the list of a table's foreign keys: <c>from</c>, the column here, or <c>table</c>, to which it refers.</summary>
    private static IEnumerable<string> References(SqliteConnection connection, string table, string end) =>
        connection.Texts($"SELECT \"{end}\" FROM pragma_foreign_key_list(@table, 'main') ORDER BY id, seq", ("@table", table));

    /// <summary>The offsets for the numbers of each numbered table, so that they continue after the existing ones.</summary>
    private static Dictionary<string, long> Offsets(SqliteConnection connection, IEnumerable<string> tables) => tables
        .Where(table => Columns(connection, table).Contains("id"))
        .ToDictionary(table => table, table => connection.Number($"SELECT ifnull(max(id) + 1, 0) FROM main.{table}"));
}
