using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>Runs single statements. Parameters are given by name with their values; nothing is looked up by reflection, so it can be compiled ahead of time.</summary>
internal static class SqliteStatements
{
    /// <summary>Runs statements that return nothing.</summary>
    /// <exception cref="SqliteException">They cannot be executed.</exception>
    public static void Run(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(connection, sql, parameters);
        command.ExecuteNonQuery();
    }

    /// <summary>The first number of the first row.</summary>
    /// <exception cref="SqliteException">It cannot be read.</exception>
    public static long Number(this SqliteConnection connection, string sql)
    {
        using var command = Command(connection, sql, []);
        return (long)command.ExecuteScalar()!;
    }

    /// <summary>The first column of all rows, which is text.</summary>
    /// <exception cref="SqliteException">It cannot be read.</exception>
    public static string[] Texts(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(connection, sql, parameters);
        using var reader = command.ExecuteReader();
        var texts = new List<string>();
        while (reader.Read())
            texts.Add(reader.GetString(0));

        return [.. texts];
    }

    private static SqliteCommand Command(SqliteConnection connection, string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);

        return command;
    }
}
