using System.Diagnostics;

namespace AllocTrace.Fuzz;

/// <summary>Makes the copy of the library that counts branches, and runs the targets with it, one for each processor at a time.</summary>
internal static class Supervisor
{
    /// <summary>The share of inputs of each target, in percent: an input takes them very different times.</summary>
    private static readonly (string Target, int Share)[] _shares = [("session", 54), ("journal", 25), ("checkpoint", 18), ("database", 2), ("objects", 1)];

    /// <returns>The exit code: 1 if anything was found.</returns>
    public static int Run(int count, int seed)
    {
        Console.WriteLine($"{count:N0} inputs, seed {seed}");
        var copy = Directory.CreateTempSubdirectory("alloctrace-fuzz-").FullName;
        try
        {
            Instrument(copy);
            var code = 0;
            Parallel.ForEach(_shares, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, share =>
            {
                if (!RunTarget(copy, share.Target, (int)((long)count * share.Share / 100), seed))
                    Interlocked.Exchange(ref code, 1);
            });
            return code;
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private static void Instrument(string copy)
    {
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(copy, Path.GetRelativePath(AppContext.BaseDirectory, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        SharpFuzz.Fuzzer.Instrument(Path.Combine(copy, "AllocTrace.dll"), _ => true, SharpFuzz.Options.Value);
    }

    private static bool RunTarget(string copy, string target, int count, int seed)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : copy, $"{Path.GetFileName(copy)}-{target}")).FullName;
        try
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!, [.. IsHost ? (string[])[Path.Combine(copy, "AllocTrace.Fuzz.dll")] : [], "target", target, $"{count}", $"{seed}", folder]);
            if (!IsHost)
                start.FileName = Path.Combine(copy, "AllocTrace.Fuzz");
            using var process = Process.Start(start)!;
            process.WaitForExit();
            if (process.ExitCode == 0)
                return true;

            var found = Path.GetFullPath($"fuzz-{target}-{seed}.bin");
            File.Copy(Path.Combine(folder, Targets.CurrentName), found, overwrite: true);
            Console.WriteLine($"{target}: exit code {process.ExitCode}; the input is in {found}");
            return false;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static bool IsHost => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet";
}
