using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Compares recorded stacks, frame by frame, with <c>sys._getframe</c> at the same time.</summary>
[TestClass]
public sealed class StackTests
{
    /// <summary>The ways to observe a program, and the modules that they need.</summary>
    private static readonly (string Mode, string Module)[] _observers = [("profile", "sys"), ("trace", "sys"), ("monitoring", "sys.monitoring"), ("coverage", "coverage")];

    public static IEnumerable<object[]> Observers =>
        from python in Python.Installed
        from observer in _observers
        where observer.Module == "coverage" || Python.OfEachVersion.Contains(python)
        where Has(python, observer.Module)
        select new object[] { python, observer.Mode };

    [TestMethod]
    [DynamicData(nameof(Python.EveryRow), typeof(Python))]
    public void Stacks_of_random_programs_equal_sys_getframe_s(Python python)
    {
        foreach (var seed in (string[])["1", "2"])
            Check(python, atLeast: 3000, "random_stacks.py", seed);
    }

    [TestMethod]
    [DynamicData(nameof(Observers))]
    public void Stacks_are_right_while_tracers_and_profilers_observe_the_program(Python python, string observer) => Check(python, atLeast: 3000, "observed.py", observer, "3");

    [TestMethod]
    [DataRow("greenlet")]
    [DataRow("gevent")]
    public void Stacks_are_right_while_greenlets_switch_C_stacks(string module)
    {
        foreach (var python in Those(module))
            Check(python, atLeast: 500, "greenlets.py", module, "4");
    }

    /// <summary>
    /// Samples the program by CPython's own profiler, which writes the field of a thread state that our walk uses from 3.15 on.
    /// </summary>
    [TestMethod]
    public void Stacks_are_right_while_CPython_s_own_profiler_samples_the_program()
    {
        foreach (var python in Those("profiling.sampling"))
        {
            using var folder = new TemporaryFolder();
            var profile = folder.File("profile.txt");
            Check(python, atLeast: 3000, ["-m", "profiling.sampling", "run", "-a", "-r", "20khz", "--collapsed", "-o", profile], "random_stacks.py", "5");
            Assert.Contains("random_stacks.py:", File.ReadAllText(profile));
        }
    }

    private static Python[] Those(string module) =>
        Python.Installed.Where(python => Has(python, module)).ToArray() is { Length: > 0 } found ? found : throw new AssertInconclusiveException($"no CPython with {module}");

    private static bool Has(Python python, string module) =>
        python.Run(["-c", module == "sys.monitoring" ? "import sys; sys.monitoring" : $"import {module}"]).ExitCode == 0;

    private static void Check(Python python, int atLeast, string program, params string[] arguments) => Check(python, atLeast, [], program, arguments);

    private static void Check(Python python, int atLeast, string[] runner, string program, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var environment = new Dictionary<string, string?> { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = folder.Path };
        python.Run([.. runner, Alloctrace.ProgramFile(program), .. arguments, folder.File("expected.json")], environment: environment).Succeeded();
        var expected = File.ReadLines(folder.File("expected.json")).Select(line => JsonDocument.Parse(line).RootElement)
            .ToDictionary(item => item[0].GetUInt64(), item => item[1].EnumerateArray().Select(frame => $"{frame[0]}:{frame[1]} {frame[2]}").ToArray());
        Assert.IsGreaterThanOrEqualTo(atLeast, expected.Count);

        var seen = new HashSet<ulong>();
        foreach (var (size, _, stack) in folder.Files("*.alloctrace").SelectMany(file => RecordedStacks.Read(file, expected.ContainsKey)))
        {
            var frames = expected[size];
            CollectionAssert.AreEqual(frames, stack.ToArray(), $"block of {size} bytes\nexpected\n  {string.Join("\n  ", frames)}\nrecorded\n  {string.Join("\n  ", stack)}");
            Assert.IsTrue(seen.Add(size));
        }

        Assert.HasCount(expected.Count, seen);
    }
}
