using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Recorded stacks, frame by frame, against what <c>sys._getframe</c> says at the same moment.</summary>
[TestClass]
public sealed class StackTests
{
    /// <summary>What may watch a program, and the module that it needs.</summary>
    private static readonly (string Mode, string Module)[] _observers = [("profile", "sys"), ("trace", "sys"), ("monitoring", "sys.monitoring"), ("coverage", "coverage")];

    private static readonly string[] _switchers = ["greenlet", "gevent"];

    public static IEnumerable<object[]> Observers =>
        from python in Python.Installed
        from observer in _observers
        where Has(python, observer.Module)
        select new object[] { python, observer.Mode };

    public static IEnumerable<object[]> Switchers =>
        from python in Python.Installed
        from module in _switchers
        where Has(python, module)
        select new object[] { python, module };

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Stacks_of_random_programs_equal_sys_getframe_s(Python python)
    {
        foreach (var seed in (string[])["1", "2"])
            Check(python, atLeast: 3000, "random_stacks.py", seed);
    }

    [TestMethod]
    [DynamicData(nameof(Observers))]
    public void So_do_they_while_something_observes_the_program(Python python, string observer) => Check(python, atLeast: 3000, "observed.py", observer, "3");

    [TestMethod]
    [DynamicData(nameof(Switchers))]
    public void So_do_they_while_C_stacks_are_switched(Python python, string module) => Check(python, atLeast: 500, "greenlets.py", module, "4");

    private static bool Has(Python python, string module) =>
        python.Run(["-c", module == "sys.monitoring" ? "import sys; sys.monitoring" : $"import {module}"]).ExitCode == 0;

    private static void Check(Python python, int atLeast, string program, params string[] arguments)
    {
        using var folder = new TestFolder();
        var environment = new Dictionary<string, string?> { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = folder.Path };
        python.Run([Alloctrace.ProgramFile(program), .. arguments, folder.File("expected.json")], environment: environment).Succeeded();
        var expected = File.ReadLines(folder.File("expected.json")).Select(line => JsonDocument.Parse(line).RootElement)
            .ToDictionary(item => item[0].GetUInt64(), item => item[1].EnumerateArray().Select(frame => $"{frame[0]}:{frame[1]} {frame[2]}").ToArray());
        Assert.IsGreaterThanOrEqualTo(atLeast, expected.Count);

        var seen = new HashSet<ulong>();
        foreach (var (size, _, stack) in RecordedStacks.Read(folder.Files("*.alloctrace").Single(), expected.ContainsKey))
        {
            var frames = expected[size];
            CollectionAssert.AreEqual(frames, stack.ToArray(), $"block of {size} bytes\nexpected\n  {string.Join("\n  ", frames)}\nrecorded\n  {string.Join("\n  ", stack)}");
            Assert.IsTrue(seen.Add(size));
        }

        Assert.HasCount(expected.Count, seen);
    }
}
