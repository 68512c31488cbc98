using System.Text.Json;

namespace AllocTrace.Testing;

/// <summary>Runs CPython's own tracemalloc.</summary>
public static class TracemallocReference
{
    /// <summary>The interpreters to compare with, as rows for DynamicData: traces have their present form since 3.9.</summary>
    public static IEnumerable<object[]> Pythons => Python.Installed.Where(python => python.Minor >= 9).Select(python => new object[] { python });

    public static JsonElement Ask(Python python, object question)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "tracemalloc_reference.py");
        var answer = python.Run([script], JsonSerializer.Serialize(question), new() { ["PYTHONIOENCODING"] = "utf-8" }).Succeeded();
        return JsonDocument.Parse(answer.Output).RootElement;
    }
}
