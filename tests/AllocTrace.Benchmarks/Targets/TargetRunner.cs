using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace AllocTrace.Benchmarks.Targets;

/// <summary>Runs programs and measures the resources that they use.</summary>
internal sealed class TargetRunner(string command, string interpreter, int times, string folder)
{
    private readonly string _measure = Compile("measure", folder, []);

    public string EmptyHook { get; } = Compile("empty_hook", folder, ["-shared", "-fPIC"]);

    public Measurement Run(Mode mode, string program)
    {
        var (target, whole, output) = (Path.Combine(folder, "target"), Path.Combine(folder, "whole"), Path.Combine(folder, "output"));
        string[] inner = [_measure, target, interpreter, .. mode.Interpreter.Select(argument => argument.Replace(Mode.Output, output)), .. Repeated(program)];
        string[] line = mode.Collector is { } options ? [_measure, whole, command, "run", "-q", "-f", "-o", output, .. options, "--", .. inner] : inner;
        File.Delete(output);
        Start(line, mode.Preload);
        var used = Usage.Read(target);
        return new(used, mode.Collector is null ? used : Usage.Read(whole), mode.Collector is null ? 0 : CountEvents(output),
            File.Exists(output) ? new FileInfo(output).Length : 0);
    }

    /// <summary>Returns true if the interpreter has the module.</summary>
    public bool Has(string module)
    {
        var start = new ProcessStartInfo(interpreter, ["-c", $"import {module}"]) { RedirectStandardError = true };
        using var process = Process.Start(start)!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private string[] Repeated(string program) =>
        times == 1 ? [program] : [Path.Combine(AppContext.BaseDirectory, "programs", "repeat.py"), times.ToString(CultureInfo.InvariantCulture), program];

    private long CountEvents(string database)
    {
        using var summary = JsonDocument.Parse(Start([command, "summary", "--json", database]));
        return summary.RootElement.GetProperty("processes").EnumerateArray()
            .Sum(process => process.GetProperty("allocated").GetProperty("count").GetInt64() + process.GetProperty("freed").GetProperty("count").GetInt64());
    }

    private static string Start(string[] line, string? preload = null)
    {
        var start = new ProcessStartInfo(line[0], line[1..]) { RedirectStandardOutput = true };
        if (preload is not null)
            start.Environment["LD_PRELOAD"] = preload;
        using var process = Process.Start(start)!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? text : throw new InvalidOperationException($"{string.Join(' ', line)}: exit code {process.ExitCode}");
    }

    private static string Compile(string name, string folder, string[] flags)
    {
        var result = Path.Combine(folder, name);
        Start(["cc", "-std=gnu11", "-O2", .. flags, Path.Combine(AppContext.BaseDirectory, "native", name + ".c"), "-o", result, "-ldl"]);
        return result;
    }
}
