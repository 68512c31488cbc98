using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Compares whole stacks of random programs with CPython's own, with a new seed each time: generators that are thrown into, code that dies,
/// forks, threads, tracers that jump, deep recursion. ALLOCTRACE_RANDOM is the number of seconds in all, on every CPython in turn;
/// ALLOCTRACE_SEED repeats one.
/// </summary>
[TestClass]
public sealed class RandomProgramTests
{
    private static readonly TimeSpan _time = TimeSpan.FromSeconds(int.Parse(Environment.GetEnvironmentVariable("ALLOCTRACE_RANDOM") ?? "0", CultureInfo.InvariantCulture));

    private static readonly int? _seed = Environment.GetEnvironmentVariable("ALLOCTRACE_SEED") is { } seed ? int.Parse(seed, CultureInfo.InvariantCulture) : null;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Stacks_equal_tracemalloc_s_and_sys_getframe_s()
    {
        var (programs, blocks, first) = (0, 0, _seed ?? Random.Shared.Next(1, 1_000_000_000));
        for (var begun = Stopwatch.StartNew(); programs == 0 || (begun.Elapsed < _time && _seed is null);)
        {
            foreach (var python in Python.Installed)
            {
                var seed = first + programs;
                TestContext.WriteLine($"{python}: ALLOCTRACE_SEED={seed}");
                blocks += Compare(python, seed, "random_stacks.py", "tracemalloc") + Compare(python, seed, "random_stacks.py") + Compare(python, seed, "deep_stacks.py", "2500", "60");
                programs += _seed is null ? 1 : 0;
                if (begun.Elapsed > _time && _time > TimeSpan.Zero)
                    break;
            }

            if (_seed is not null)
                break;
        }

        TestContext.WriteLine($"{3 * programs} programs, {blocks:N0} stacks");
    }

    /// <summary>Compares the stacks of a program, and returns their number.</summary>
    private static int Compare(Python python, int seed, string program, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var environment = new Dictionary<string, string?> { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = folder.Path };
        python.Run(["-W", "ignore", Alloctrace.ProgramFile(program), $"{seed}", folder.File("expected.json"), .. arguments], environment: environment).Succeeded();
        var expected = folder.Files("expected.json*").SelectMany(File.ReadLines).Select(line => JsonDocument.Parse(line).RootElement).ToDictionary(item => item[0].GetUInt64());
        var seen = new HashSet<ulong>();
        foreach (var (size, _, stack) in folder.Files("*.alloctrace").SelectMany(file => RecordedStacks.Read(file, expected.ContainsKey)))
        {
            var what = expected[size];
            var frames = what[what.GetArrayLength() - 1].EnumerateArray().Select(frame => $"{frame[0]}:{frame[1]} {frame[2]}".TrimEnd()).ToArray();
            var recorded = Shown(stack, what).ToArray();
            CollectionAssert.AreEqual(
                frames, recorded, $"{python}, ALLOCTRACE_SEED={seed}, {program}, block of {size} bytes\nexpected\n  {string.Join("\n  ", frames)}\nrecorded\n  {string.Join("\n  ", recorded)}");
            Assert.IsTrue(seen.Add(size));
        }

        Assert.HasCount(expected.Count, seen, $"{python}, ALLOCTRACE_SEED={seed}, {program}");
        return seen.Count;
    }

    /// <summary>
    /// Formats a recorded stack as the program does: without functions for tracemalloc, without the middle of a deep one.
    /// </summary>
    private static IEnumerable<string> Shown(List<string> stack, JsonElement what)
    {
        if (what.GetArrayLength() == 3)
        {
            Assert.AreEqual(what[1].GetInt32(), stack.Count);
            return stack.Where((frame, index) => index == 0 || stack.Count - index <= 40 || !(frame.EndsWith(" down", StringComparison.Ordinal) || frame.EndsWith(" through", StringComparison.Ordinal)));
        }

        var hasFunctions = what[1].GetArrayLength() == 0 || what[1][0][2].GetString() != "";
        return hasFunctions ? stack : stack.Select(frame => frame[..frame.LastIndexOf(' ')]);
    }
}
