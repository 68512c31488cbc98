using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.Tests.Analysis;

/// <summary>Asks CPython's own tracemalloc.</summary>
internal static class TracemallocReference
{
    /// <summary>The interpreters to compare with, as rows for DynamicData: traces have had their present form since 3.9.</summary>
    public static IEnumerable<object[]> Pythons => Python.Installed.Where(python => python.Minor >= 9).Select(python => new object[] { python });

    public static JsonElement Ask(Python python, object question)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "Analysis", "tracemalloc_reference.py");
        var answer = python.Run([script], JsonSerializer.Serialize(question), new() { ["PYTHONIOENCODING"] = "utf-8" }).Succeeded();
        return JsonDocument.Parse(answer.Output).RootElement;
    }
}
