using System.Text.Json;
using AllocTrace.Analysis;
using AllocTrace.Storage;
using AllocTrace.Tests.Storage;

namespace AllocTrace.Tests.Analysis;

/// <summary>Random snapshots, sizes and patterns, put to CPython's tracemalloc and to ours.</summary>
[TestClass]
public sealed class TracemallocCompatibilityTests
{
    private static readonly string[] _filenames =
        ["a.py", "b.py", "lib/a.py", "lib/b.pyc", "<frozen os>", "[x].py", "é.py", "\uFFFD.py", "\U0001F600.py"];

    private static readonly string[] _patterns = ["a.py", "*.py", "*", "lib/?.py", "[[]x].py", "[!a].py", "b.pyc", "<frozen *>", "?.py"];

    private static readonly (string Name, GroupBy GroupBy, Cumulation Cumulation)[] _questions =
    [
        ("lineno", GroupBy.Lineno, Cumulation.None),
        ("filename", GroupBy.Filename, Cumulation.None),
        ("traceback", GroupBy.Traceback, Cumulation.None),
        ("cumulative lineno", GroupBy.Lineno, Cumulation.OncePerFrame),
        ("cumulative filename", GroupBy.Filename, Cumulation.OncePerFrame),
    ];

    [TestMethod]
    public void Statistics_of_random_snapshots_equal_tracemallocs()
    {
        var random = new Random(1);
        var cases = Many(100, () => (Traces: Many(random.Next(50), () => RandomTrace(random)), Filters: Many(random.Next(4), () => RandomFilter(random))));
        var answers = TracemallocReference.Ask(new
        {
            cases = cases.Select(c => new
            {
                traces = c.Traces.Select(t => new object[] { t.Size, t.Frames.Reverse().Select(f => new object[] { f.Filename, f.LineNumber }) }),
                filters = c.Filters.Select(f => new object?[] { f.Inclusive, f.FilenamePattern, f.LineNumber, f.AllFrames }),
            }),
        }).GetProperty("cases");

        foreach (var ((traces, filters), answer) in cases.Zip(answers.EnumerateArray()))
        {
            using var builder = new TraceBuilder();
            using var database = TraceDatabase.Open(Save(builder, traces));
            var snapshot = Snapshot.Load(database).FilterTraces(filters);
            foreach (var (name, groupBy, cumulation) in _questions)
            {
                var expected = answer.GetProperty(name).EnumerateArray().Select(Describe).ToArray();
                CollectionAssert.AreEqual(expected, snapshot.Statistics(groupBy, cumulation).Select(Describe).ToArray(), name);
            }
        }
    }

    [TestMethod]
    public void Sizes_in_text_equal_tracemallocs()
    {
        var random = new Random(2);
        double[] sizes =
        [
            0, 0.5, 1.5, 2.5, 9.5, 10_239, 10_239.5, 10_240, 10_241, 102_399, 102_400, 1 << 20, 100 << 20, 12.25 * 1024, 12.75 * 1024, 10_264, 10_316,
            -1, -0.25, -10_239, -10_240, -123_456_789, double.Pow(2, 51), double.Pow(2, 60),
            .. Many(2_000, () => Math.Floor(double.Pow(2, 60 * random.NextDouble()))),
            .. Many(2_000, () => Math.Floor(double.Pow(2, 50 * random.NextDouble())) / random.Next(1, 1_000)),
            .. Many(2_000, () => random.Next(-400, 400) * 64.0),
        ];
        var expected = TracemallocReference.Ask(new { sizes }).GetProperty("sizes").EnumerateArray();
        foreach (var (size, texts) in sizes.Zip(expected))
        {
            Assert.AreEqual(texts[0].GetString(), ByteSize.Format(size), $"{size:R}");
            Assert.AreEqual(texts[1].GetString(), ByteSize.Format(size, sign: true), $"{size:R}");
        }
    }

    [TestMethod]
    public void File_name_patterns_match_as_fnmatch_does()
    {
        var random = new Random(3);
        string[] patternParts = ["a", "b", "c", "*", "?", "[", "]", "!", "-", "^", "&", "\\", "\U0001F600", "/", "\n", "[a-", "[!", "c]", "[b-a"];
        string[] nameParts = ["a", "b", "c", "[", "]", "!", "-", "^", "\\", "\U0001F600", "/", "\n"];
        var pairs = Many(40_000, () => (Pattern: RandomText(random, patternParts, 8), Name: RandomText(random, nameParts, 5)));
        var expected = TracemallocReference.Ask(new { matches = pairs.Select(p => new[] { p.Pattern, p.Name }) }).GetProperty("matches");

        var matching = 0;
        foreach (var ((pattern, name), matches) in pairs.Zip(expected.EnumerateArray()))
        {
            Assert.AreEqual(matches.GetBoolean(), new FileNamePattern(pattern).Matches(name), $"pattern {pattern} name {name}");
            matching += matches.GetBoolean() ? 1 : 0;
        }

        Assert.IsGreaterThan(1_000, matching);
    }

    [TestMethod]
    public void Strings_are_in_the_order_of_Python()
    {
        var random = new Random(4);
        var strings = Many(500, () => RandomText(random, ["a", "z", "\uD7FF", "\uE000", "\uFFFD", "\U00010000", "\U0010FFFF"], 4));
        var expected = TracemallocReference.Ask(new { strings }).GetProperty("sorted").EnumerateArray().Select(s => s.GetString()).ToArray();
        CollectionAssert.AreEqual(expected, strings.Order(Comparer<string>.Create(CodePointOrder.Compare)).ToArray());
    }

    private static T[] Many<T>(int count, Func<T> make) => [.. Enumerable.Range(0, count).Select(_ => make())];

    private static string RandomText(Random random, string[] parts, int most) =>
        string.Concat(random.GetItems(parts, random.Next(most + 1)));

    private static (long Size, Frame[] Frames) RandomTrace(Random random) => (random.Next(40), Many(random.Next(1, 6), () => RandomFrame(random)));

    // The function follows from the line: tracemalloc does not know it, and would merge what differs in it alone.
    private static Frame RandomFrame(Random random)
    {
        var line = random.Next(5);
        return new Frame(_filenames[random.Next(_filenames.Length)], line, $"f{line}");
    }

    private static Filter RandomFilter(Random random) => new(
        inclusive: random.Next(2) == 0,
        _patterns[random.Next(_patterns.Length)],
        random.Next(2) == 0 ? null : random.Next(4),
        allFrames: random.Next(2) == 0);

    private static string Save(TraceBuilder builder, (long Size, Frame[] Frames)[] traces)
    {
        var thread = builder.Thread(builder.Process());
        foreach (var same in traces.GroupBy(trace => builder.Stack(trace.Frames)))
        {
            var amount = new Amount(same.Sum(trace => trace.Size), same.Count());
            builder.Site(thread, "obj", same.Key, amount, live: amount);
        }

        return builder.Save();
    }

    private static string Describe(Statistic statistic) =>
        $"{statistic.Size} {statistic.Count} {string.Join(' ', statistic.Traceback)} | {statistic}";

    private static string Describe(JsonElement statistic) =>
        $"{statistic[0]} {statistic[1]} {string.Join(' ', statistic[2].EnumerateArray().Select(frame => $"{frame[0]}:{frame[1]}"))} | {statistic[3]}";
}
