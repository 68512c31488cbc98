using AllocTrace.Symbols;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>Names the C functions of a recording that have no name, in place.</summary>
internal static class NativeNames
{
    /// <summary>The result of a search for names.</summary>
    /// <param name="Named">The number of functions that got a name.</param>
    /// <param name="Unnamed">The number of functions that have none.</param>
    /// <param name="UnnamedByImage">The functions without a name by file, the file with most of them first.</param>
    public sealed record Result(int Named, int Unnamed, IReadOnlyList<(string Image, int Functions)> UnnamedByImage);

    /// <summary>Looks for the names, and writes those that it finds in one transaction.</summary>
    /// <param name="path">The recording. Others may read it meanwhile.</param>
    /// <param name="debugFolders">The folders of debug files to search before the system's.</param>
    /// <exception cref="InvalidTraceException">The file is not a recording, or damaged.</exception>
    /// <exception cref="IOException">The file cannot be read or written. The message is one line.</exception>
    public static Result Update(string path, IReadOnlyList<string> debugFolders)
    {
        using (var database = TraceDatabase.Open(path)) // says what is wrong with it
            _ = database.Stacks;

        var symbols = new SymbolFiles([.. debugFolders, "/usr/lib/debug"]);
        var unnamed = new List<string>();
        var named = 0;
        try
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, Mode = SqliteOpenMode.ReadWrite }.ToString());
            connection.Open();
            ForeignFile.Restrict(connection.Handle!);
            if (connection.Number("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'native_code'") == 0)
                return new Result(0, 0, []);

            connection.Run("BEGIN IMMEDIATE");
            foreach (var (code, image, buildId, address) in Unnamed(connection))
            {
                if (image == "" || symbols.NameAt(image, buildId, (ulong)address) is not { } name)
                {
                    unnamed.Add(image == "" ? FunctionName.NoFile : image);
                    continue;
                }

                // If another function of the file already has the name, the address is added to it, because the columns are unique.
                connection.Run(
                    """
                    UPDATE code SET name = @name, qualname = @name WHERE id = @code AND NOT EXISTS (SELECT 1 FROM code AS other WHERE other.filename = code.filename AND other.qualname = @name AND other.first_line = 0 AND other.name = @name);
                    UPDATE code SET name = @name || ' ' || name, qualname = @name || ' ' || qualname WHERE id = @code AND name <> @name;
                    UPDATE native_code SET is_named = 1 WHERE code = @code
                    """,
                    ("@name", name),
                    ("@code", code));
                named++;
            }

            connection.Run("COMMIT");
        }
        catch (SqliteException e)
        {
            throw new IOException($"{path} cannot be written: {e.Message}", e);
        }

        return new Result(named, unnamed.Count, [.. unnamed.CountBy(image => image).OrderByDescending(count => count.Value).Select(count => (count.Key, count.Value))]);
    }

    private static List<(long Code, string Image, string BuildId, long Address)> Unnamed(SqliteConnection connection)
    {
        var rows = new List<(long, string, string, long)>();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT code, image, build_id, address FROM native_code WHERE is_named = 0 ORDER BY code";
        using var reader = command.ExecuteReader();
        while (reader.Read())
            rows.Add((reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3)));

        return rows;
    }
}
