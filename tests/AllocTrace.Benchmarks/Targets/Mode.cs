namespace AllocTrace.Benchmarks.Targets;

/// <summary>A way to run a program: alone, or under a tool.</summary>
/// <param name="Name">The column of the table.</param>
/// <param name="Interpreter">The arguments of the interpreter before the program's name.</param>
/// <param name="Preload">The library for <c>LD_PRELOAD</c>.</param>
/// <param name="Collector">The arguments of <c>alloctrace run</c>; <see langword="null"/> for other tools.</param>
internal sealed record Mode(string Name, string[] Interpreter, string? Preload = null, string[]? Collector = null)
{
    public const string Output = "{output}";

    public static readonly Mode Untraced = new("untraced", []);

    public static Mode EmptyHook(string library) => new("empty hook", [], library);

    public static readonly Mode Exact = new("exact", [], Collector: []);
    public static readonly Mode Sampled = new("sampled", [], Collector: ["--sample", "524288"]);
    public static readonly Mode Tracemalloc1 = new("tracemalloc 1", ["-X", "tracemalloc=1"]);
    public static readonly Mode Tracemalloc25 = new("tracemalloc 25", ["-X", "tracemalloc=25"]);
    public static readonly Mode Memray = new("memray", ["-m", "memray", "run", "--trace-python-allocators", "-q", "-f", "-o", Output]);
}
