using System.Diagnostics;

namespace AllocTrace.Fuzz;

/// <summary>Runs one target.</summary>
internal static class Targets
{
    /// <summary>The file with the input that is being read.</summary>
    public const string CurrentName = "current";

    private const long MostBytes = 256 << 20;

    private static readonly TimeSpan _mostTime = TimeSpan.FromSeconds(20);

    /// <returns>The exit code.</returns>
    public static int Run(string name, int count, int seed, string folder)
    {
        var random = new Random(seed);
        var (mutator, coverage) = (new Mutator(random), new Coverage());
        using var target = Create(name, folder);
        using var current = new FileStream(Path.Combine(folder, CurrentName), FileMode.Create);
        using var writer = new BinaryWriter(current);
        using var watch = new Watchdog(_mostTime);
        var inputs = new List<Input>();
        for (var i = 0; i < target.Seeds.Count; i++)
            inputs.Add(new Input(i, target.Seeds[i].Bytes.Length, []));

        var (accepted, begun) = (0, Stopwatch.GetTimestamp());
        for (var run = 0; run < count; run++)
        {
            // Half of all are made of what came last: that is the newest code.
            var parent = inputs[random.Next(2) == 0 ? random.Next(inputs.Count) : inputs.Count - 1 - (int)(random.NextDouble() * random.NextDouble() * inputs.Count)];
            var sound = target.Seeds[parent.Seed];
            var input = run < target.Seeds.Count ? inputs[run] : mutator.Mutate(parent, sound.Bytes, sound.Places);
            current.Position = 0;
            writer.Write(name);
            input.Write(writer);
            writer.Flush();
            watch.Begin();
            var before = GC.GetAllocatedBytesForCurrentThread();
            coverage.Begin();
            try
            {
                accepted += target.Run(input) ? 1 : 0;
                if (run < target.Seeds.Count && accepted <= run)
                    throw new InvalidOperationException($"seed {run} is not sound");
            }
            catch (Exception e) when (e is InvalidTraceException or IOException && run >= target.Seeds.Count)
            {
                if (e.Message.Contains('\n') || !e.Message.Contains(folder))
                    return Tell(new InvalidOperationException($"not one line that names the file: {e.Message}", e));
            }
            catch (Exception e)
            {
                return Tell(e);
            }

            if (coverage.End() && run >= target.Seeds.Count)
                inputs.Add(input);

            if (GC.GetAllocatedBytesForCurrentThread() - before > MostBytes)
                return Tell(new InvalidOperationException($"it took {GC.GetAllocatedBytesForCurrentThread() - before:N0} bytes"));
        }

        var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        Console.WriteLine($"{name}: {count:N0} inputs in {seconds:F0} s ({Environment.CpuUsage.TotalTime.TotalSeconds:F0} s of CPU), {accepted:N0} taken for sound, {inputs.Count:N0} that did something new, {coverage.Count:N0} branches");
        return 0;

        int Tell(Exception e)
        {
            Console.WriteLine($"{name}: {e}");
            return 1;
        }
    }

    /// <summary>Runs an input that was found, without catching its exception.</summary>
    public static int Again(string file)
    {
        using var reader = new BinaryReader(File.OpenRead(file));
        var name = reader.ReadString();
        var input = Input.Read(reader);
        Console.WriteLine($"{name}, file {input.Seed} of {input.Length} bytes: {string.Join("; ", input.Patches.Select(patch => $"{patch.At}: {Convert.ToHexString(patch.Bytes)}"))}");
        var folder = Directory.CreateTempSubdirectory("alloctrace-fuzz-").FullName;
        try
        {
            using var target = Create(name, folder);
            Console.WriteLine(target.Run(input) ? "taken for sound" : "not there");
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Target Create(string name, string folder) => name switch
    {
        "session" => new SessionTarget(Seeds.Sessions(folder)),
        "journal" => new JournalTarget(Seeds.Journals(folder), isCheckpoint: false),
        "checkpoint" => new JournalTarget(Seeds.Checkpoints(folder), isCheckpoint: true),
        "objects" => new ObjectTarget(Seeds.Images(folder)),
        "database" => new DatabaseTarget(Seeds.Databases(folder)),
        _ => throw new ArgumentException($"no target {name}"),
    };
}
