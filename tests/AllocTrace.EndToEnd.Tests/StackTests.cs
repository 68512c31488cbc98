using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Recorded stacks, frame by frame, against what <c>sys._getframe</c> says at the same moment.</summary>
[TestClass]
public sealed class StackTests
{
    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Stacks_of_random_programs_equal_sys_getframe_s(Python python)
    {
        foreach (var seed in (string[])["1", "2"])
        {
            using var folder = new TestFolder();
            var environment = new Dictionary<string, string?> { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = folder.Path };
            python.Run([Alloctrace.ProgramFile("random_stacks.py"), seed, folder.File("expected.json")], environment: environment).Succeeded();
            var expected = File.ReadLines(folder.File("expected.json")).Select(line => JsonDocument.Parse(line).RootElement)
                .ToDictionary(item => item[0].GetUInt64(), item => item[1].EnumerateArray().Select(frame => $"{frame[0]}:{frame[1]} {frame[2]}").ToArray());
            Assert.IsGreaterThanOrEqualTo(3000, expected.Count);

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
}
