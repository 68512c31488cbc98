using System.Diagnostics;
using System.Text.Json;

namespace AllocTrace.Tests.Analysis;

/// <summary>Asks CPython's own tracemalloc. Without a python3 the tests are inconclusive.</summary>
internal static class TracemallocReference
{
    public static JsonElement Ask(object question)
    {
        var start = new ProcessStartInfo("python3", [Path.Combine(AppContext.BaseDirectory, "Analysis", "tracemalloc_reference.py")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["PYTHONIOENCODING"] = "utf-8";
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Inconclusive("no python3 here");
            throw;
        }

        using (process)
        {
            process.StandardInput.Write(JsonSerializer.Serialize(question));
            process.StandardInput.Close();
            var answer = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.AreEqual(0, process.ExitCode, "the reference script failed; its error is on our error output");
            return JsonDocument.Parse(answer).RootElement;
        }
    }
}
