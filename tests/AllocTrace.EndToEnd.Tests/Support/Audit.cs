using AllocTrace.Testing;

using Microsoft.Data.Sqlite;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Records the allocations of a program, by the auditor (native/counting_allocator.c) and by the database: lines
/// <c>domain operation calls bytes</c>.
/// </summary>
internal sealed class Audit(TemporaryFolder folder, Python python, string program)
{
    private readonly string _interpreter = python.Run(["-c", "import sys; print(sys.executable)"]).Succeeded().Lines[0];

    /// <summary>More variables for the program: <c>NAME=value</c>.</summary>
    public string[] Variables { get; init; } = [];

    /// <summary>The options of the interpreter.</summary>
    public string[] Options { get; init; } = [];

    /// <summary>The arguments of the program.</summary>
    public string[] Arguments { get; init; } = [];

    /// <summary>True if the auditor is preloaded first; see its comment on PYTHONMALLOC.</summary>
    public bool CounterFirst { get; init; }

    private string Counted => folder.File("counted");

    private string Database => folder.File("audit.db");

    /// <summary>Runs the program traced.</summary>
    /// <returns>The auditor's figures.</returns>
    public string[] RunTraced()
    {
        var preload = CounterFirst ? $"{TestLibrary.CountingAllocator}:$LD_PRELOAD" : $"$LD_PRELOAD:{TestLibrary.CountingAllocator}";
        var script = $"""
            LD_PRELOAD="{preload}"
            printf '%s\n' "$LD_PRELOAD" "$ALLOCTRACE" "$ALLOCTRACE_OPTIONS" > {folder.File("variables")}
            exec env -i LD_PRELOAD="$LD_PRELOAD" ALLOCTRACE="$ALLOCTRACE" ALLOCTRACE_OPTIONS="$ALLOCTRACE_OPTIONS" "$@"
            """;
        Alloctrace.Run(["run", "-q", "-f", "-o", Database, "--", "sh", "-c", script, "sh", .. Common()]).Succeeded();
        return TakeCounted();
    }

    /// <summary>Runs the program without the tracer, with as many variables of the same lengths: CPython copies them into os.environ.</summary>
    /// <returns>The auditor's figures.</returns>
    public string[] RunAlone()
    {
        var variables = File.ReadAllLines(folder.File("variables"));
        var preload = TestLibrary.CountingAllocator.PadLeft(variables[0].Length, ':');
        Command.Run("env", ["-i", $"LD_PRELOAD={preload}", $"ALLOCTRACX={variables[1]}", $"ALLOCTRACX_OPTIONS={variables[2]}", .. Common()]).Succeeded();
        return TakeCounted();
    }

    /// <summary>The figures of the database.</summary>
    public string[] Recorded()
    {
        using var connection = new SqliteConnection($"Data Source={Database};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT name || ' ' || kind || ' ' || calls || ' ' || bytes FROM operation JOIN domain ON domain.id = domain";
        using var reader = command.ExecuteReader();
        var lines = new List<string>();
        while (reader.Read())
            lines.Add(reader.GetString(0));

        return [.. lines.Order(StringComparer.Ordinal)];
    }

    private string[] Common() =>
        [$"COUNTED={Counted}", .. CounterFirst ? ["COUNTED_AGAIN=1"] : Array.Empty<string>(), "PYTHONHASHSEED=0", "PYTHONDONTWRITEBYTECODE=1", "PATH=/usr/bin:/bin", .. Variables, _interpreter, .. Options, Alloctrace.ProgramFile(program), .. Arguments];

    private string[] TakeCounted()
    {
        var lines = File.ReadAllLines(Counted);
        File.Delete(Counted);
        return [.. lines.Order(StringComparer.Ordinal)];
    }
}
