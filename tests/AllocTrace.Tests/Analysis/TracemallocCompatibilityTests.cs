using System.Text;
using System.Text.Json;
using AllocTrace.Analysis;
using AllocTrace.Storage;
using AllocTrace.Testing;
using AllocTrace.Tests.Storage;
using AllocTrace.Tests.Support;

namespace AllocTrace.Tests.Analysis;

/// <summary>Compares random snapshots, sizes and patterns with CPython's tracemalloc.</summary>
[TestClass]
public sealed class TracemallocCompatibilityTests
{
    private static readonly string[] _filenames =
        ["a.py", "b.py", "lib/a.py", "lib/b.pyc", "<frozen os>", "[x].py", "é.py", "\uFFFD.py", "\U0001F600.py"];

    private static readonly string[] _domains = ["raw", "mem", "obj", "389047"];

    private static readonly string[] _patterns = ["a.py", "*.py", "*", "lib/?.py", "[[]x].py", "[!a].py", "b.pyc", "<frozen *>", "?.py"];

    private static readonly (GroupBy GroupBy, Cumulation Cumulation)[] _questions =
    [
        (GroupBy.Lineno, Cumulation.None),
        (GroupBy.Filename, Cumulation.None),
        (GroupBy.Traceback, Cumulation.None),
        (GroupBy.Lineno, Cumulation.OncePerFrame),
        (GroupBy.Filename, Cumulation.OncePerFrame),
    ];

    private static readonly Lazy<(RandomTraces Case, OurAnswer Answer)[]> _ofTwoRecordings = new(() => AnswerCases(seed: 1, count: 100, OfTwoRecordings));
    private static readonly Lazy<(RandomTraces Case, OurAnswer Answer)[]> _ofOneRecording = new(() => AnswerCases(seed: 11, count: 50, OfOneRecording));

    [TestMethod]
    [DynamicData(nameof(TracemallocReference.Pythons), typeof(TracemallocReference))]
    public void Statistics_and_differences_of_random_snapshots_equal_tracemallocs(Python python) => Compare(python, _ofTwoRecordings.Value);

    [TestMethod]
    [DynamicData(nameof(TracemallocReference.Pythons), typeof(TracemallocReference))]
    public void Differences_within_one_recording_equal_tracemallocs(Python python) => Compare(python, _ofOneRecording.Value);

    [TestMethod]
    [DynamicData(nameof(TracemallocReference.Pythons), typeof(TracemallocReference))]
    public void Formatted_tracebacks_equal_tracemallocs(Python python)
    {
        using var folder = new TemporaryFolder();
        string[] contents =
        [
            "first = 1\n    second = [2]   \n\n\tfourth()\x1c\u00a0\n", "# -*- coding: latin-1 -*-\ntext = 'caf\xe9'\n", "\ufeffbom = 1\r\ntwo = 2\rthree = 3",
            "text = '\u00e9 \U0001F600'\n# coding: utf-8", "", "\n# vim: set fileencoding=iso-8859-1 :\nx = '\xfc'\n", "# coding: no-such\nx\n", "a\fb\n\vc\n",
        ];
        var broken = Write("broken.py", "x = '\xe9'\n", Encoding.Latin1);
        var files = contents.Select((content, i) => Write($"{i}.py", content, i is 1 or 5 ? Encoding.Latin1 : new UTF8Encoding(false)));
        string[] names = [.. files, broken, folder.Path, "/no/such.py", "<string>", ""];
        var random = new Random(5);
        var questions = Many(300, () => (
            Frames: Many(random.Next(1, 6), () => new Frame(names[random.Next(names.Length)], random.Next(6), "f")),
            Limit: random.Next(3) == 0 ? null : (int?)random.Next(-7, 8),
            MostRecentFirst: random.Next(2) == 0));
        var answers = TracemallocReference.Ask(python, new
        {
            format = questions.Select(q => new object?[] { Newest(q.Frames), q.Limit, q.MostRecentFirst }),
        }).GetProperty("formatted");
        var compared = 0;
        foreach (var (question, answer) in questions.Zip(answers.EnumerateArray()).Where(each => each.Second.ValueKind != JsonValueKind.Null))
        {
            compared++;
            CollectionAssert.AreEqual(
                answer.EnumerateArray().Select(line => line.GetString()).ToArray(),
                new Traceback(question.Frames).Format(question.Limit, question.MostRecentFirst).ToArray());
        }

        Assert.IsGreaterThan(50, compared);

        string Write(string name, string content, Encoding encoding)
        {
            File.WriteAllText(folder.File(name), content, encoding);
            return folder.File(name);
        }
    }

    [TestMethod]
    [DynamicData(nameof(TracemallocReference.Pythons), typeof(TracemallocReference))]
    public void Sizes_in_text_equal_tracemallocs(Python python)
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
        var expected = TracemallocReference.Ask(python, new { sizes }).GetProperty("sizes").EnumerateArray();
        foreach (var (size, texts) in sizes.Zip(expected))
        {
            Assert.AreEqual(texts[0].GetString(), ByteSize.Format(size), $"{size:R}");
            Assert.AreEqual(texts[1].GetString(), ByteSize.Format(size, sign: true), $"{size:R}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(TracemallocReference.Pythons), typeof(TracemallocReference))]
    public void File_name_patterns_match_as_fnmatch_does(Python python)
    {
        var random = new Random(3);
        string[] patternParts = ["a", "b", "c", "*", "?", "[", "]", "!", "-", "^", "&", "\\", "\U0001F600", "/", "\n", "[a-", "[!", "c]", "[b-a"];
        string[] nameParts = ["a", "b", "c", "[", "]", "!", "-", "^", "\\", "\U0001F600", "/", "\n"];
        var pairs = Many(10_000, () => (Pattern: RandomText(random, patternParts, 8), Name: RandomText(random, nameParts, 5)));
        var expected = TracemallocReference.Ask(python, new { matches = pairs.Select(p => new[] { p.Pattern, p.Name }) }).GetProperty("matches");

        var matching = 0;
        foreach (var ((pattern, name), matches) in pairs.Zip(expected.EnumerateArray()).Where(each => each.Second.ValueKind != JsonValueKind.Null))
        {
            Assert.AreEqual(matches.GetBoolean(), new FileNamePattern(pattern).Matches(name), $"pattern {pattern} name {name}");
            matching += matches.GetBoolean() ? 1 : 0;
        }

        Assert.IsGreaterThan(200, matching);
    }

    [TestMethod]
    public void Strings_are_in_the_order_of_Python()
    {
        var random = new Random(4);
        var strings = Many(500, () => RandomText(random, ["a", "z", "\uD7FF", "\uE000", "\uFFFD", "\U00010000", "\U0010FFFF"], 4));
        var expected = TracemallocReference.Ask(Python.Default, new { strings }).GetProperty("sorted").EnumerateArray().Select(s => s.GetString()).ToArray();
        CollectionAssert.AreEqual(expected, strings.Order(Comparer<string>.Create(CodePointOrder.Compare)).ToArray());
    }

    private static (RandomTraces Case, OurAnswer Answer)[] AnswerCases(int seed, int count, Func<RandomTraces, OurAnswer> answer)
    {
        var random = new Random(seed);
        return Many(count, () => RandomCase(random) is var each ? (each, answer(each)) : default);
    }

    private static void Compare(Python python, (RandomTraces Case, OurAnswer Answer)[] cases)
    {
        var answers = TracemallocReference.Ask(python, new { cases = cases.Select(each => each.Case.Question) }).GetProperty("cases");
        foreach (var ((_, ours), theirs) in cases.Zip(answers.EnumerateArray()))
        {
            for (var i = 0; i < _questions.Length; i++)
            {
                CollectionAssert.AreEqual(theirs.GetProperty("statistics")[i].EnumerateArray().Select(Describe).ToArray(), ours.Statistics[i], $"{_questions[i]}");
                CollectionAssert.AreEqual(
                    theirs.GetProperty("differences")[i].EnumerateArray().Select(DescribeDiff).ToArray(), ours.Differences[i], $"{_questions[i]}");
            }
        }
    }

    private static OurAnswer OfTwoRecordings(RandomTraces traces)
    {
        using TraceBuilder newTrace = new(), oldTrace = new();
        return Answer(Snapshot.Load(Save(newTrace, traces.New)), Snapshot.Load(Save(oldTrace, traces.Old)), traces.Filters);
    }

    private static OurAnswer OfOneRecording(RandomTraces traces)
    {
        using var builder = new TraceBuilder();
        var process = builder.Process();
        var thread = builder.Thread(process);
        foreach (var (name, these) in new[] { ("new", traces.New), ("old", traces.Old) })
        {
            builder.Execute("INSERT INTO snapshot VALUES (?1, ?2, 'named', ?3, ?1, 0, 0)", name == "new" ? 100 : 101, process, name);
            foreach (var (domain, stack, amount) in Sites(builder, these))
            {
                var site = builder.Site(thread, domain, stack, amount);
                builder.Execute("INSERT INTO snapshot_site VALUES (?1, ?2, ?3, ?4)", name == "new" ? 100 : 101, site, amount.Bytes, amount.Blocks);
            }
        }

        using var database = TraceDatabase.Open(builder.Save());
        return Answer(Snapshot.LoadAt(database, "new"), Snapshot.LoadAt(database, "old"), traces.Filters);
    }

    private static OurAnswer Answer(Snapshot current, Snapshot old, TraceFilter[] filters)
    {
        current = current.FilterTraces(filters);
        old = old.FilterTraces(filters);
        return new OurAnswer(
            [.. _questions.Select(q => current.Statistics(q.GroupBy, q.Cumulation).Select(Describe).ToArray())],
            [.. _questions.Select(q => current.CompareTo(old, q.GroupBy, q.Cumulation).Select(Describe).ToArray())]);
    }

    private static T[] Many<T>(int count, Func<T> make) => [.. Enumerable.Range(0, count).Select(_ => make())];

    private static string RandomText(Random random, string[] parts, int most) =>
        string.Concat(random.GetItems(parts, random.Next(most + 1)));

    private static RandomTraces RandomCase(Random random)
    {
        var frames = Many(12, () => Many(random.Next(1, 6), () => RandomFrame(random)));
        return new RandomTraces(
            Many(random.Next(50), () => RandomTrace(random, frames)),
            Many(random.Next(50), () => RandomTrace(random, frames)),
            Many(random.Next(4), () => RandomFilter(random)));
    }

    // Half of the stacks are common ones, so that snapshots share some.
    private static TestTrace RandomTrace(Random random, Frame[][] common) => new(
        _domains[random.Next(_domains.Length)],
        random.Next(40),
        random.Next(2) == 0 ? common[random.Next(common.Length)] : Many(random.Next(1, 6), () => RandomFrame(random)));

    // The function follows from the line: tracemalloc does not know it, and would merge what differs in it alone.
    private static Frame RandomFrame(Random random)
    {
        var line = random.Next(5);
        return new Frame(_filenames[random.Next(_filenames.Length)], line, $"f{line}");
    }

    private static TraceFilter RandomFilter(Random random)
    {
        var inclusive = random.Next(2) == 0;
        long? domain = random.Next(4) switch { 0 => 0, 1 => 389047, _ => null };
        return random.Next(4) == 0 && domain is { } number
            ? new DomainFilter(inclusive, number)
            : new Filter(
                inclusive,
                _patterns[random.Next(_patterns.Length)],
                random.Next(2) == 0 ? null : random.Next(4),
                allFrames: random.Next(2) == 0,
                domain);
    }

    private static string Save(TraceBuilder builder, TestTrace[] traces)
    {
        var thread = builder.Thread(builder.Process());
        foreach (var (domain, stack, amount) in Sites(builder, traces))
            builder.Site(thread, domain, stack, amount, live: amount);

        return builder.Save();
    }

    private static IEnumerable<(string Domain, int Stack, MemoryAmount Amount)> Sites(TraceBuilder builder, TestTrace[] traces) => traces
        .GroupBy(trace => (trace.Domain, Stack: builder.Stack(trace.Frames)))
        .Select(same => (same.Key.Domain, same.Key.Stack, new MemoryAmount(same.Sum(trace => trace.Size), same.Count())));

    private static object[][] Newest(IEnumerable<Frame> frames) =>
        [.. frames.Reverse().Select(frame => new object[] { frame.Filename, frame.LineNumber })];

    private static string Describe(Statistic statistic) =>
        $"{statistic.Size} {statistic.Count} {string.Join(' ', statistic.Traceback)} | {statistic}";

    private static string Describe(JsonElement statistic) => $"{statistic[0]} {statistic[1]} {Frames(statistic[2])} | {statistic[3]}";

    private static string Describe(StatisticDiff diff) =>
        $"{diff.Size} {diff.SizeDiff} {diff.Count} {diff.CountDiff} {string.Join(' ', diff.Traceback)} | {diff}";

    private static string DescribeDiff(JsonElement diff) => $"{diff[0]} {diff[1]} {diff[2]} {diff[3]} {Frames(diff[4])} | {diff[5]}";

    private static string Frames(JsonElement traceback) => string.Join(' ', traceback.EnumerateArray().Select(frame => $"{frame[0]}:{frame[1]}"));

    private sealed record OurAnswer(string[][] Statistics, string[][] Differences);

    private sealed record TestTrace(string Domain, long Size, Frame[] Frames)
    {
        // tracemalloc has one number for all of CPython's domains.
        public object[] Question => [Domain == "389047" ? 389047 : 0, Size, Newest(Frames)];
    }

    private sealed record RandomTraces(TestTrace[] New, TestTrace[] Old, TraceFilter[] Filters)
    {
        public object Question => new
        {
            traces = New.Select(trace => trace.Question),
            old = Old.Select(trace => trace.Question),
            filters = Filters.Select(object?[] (filter) => filter switch
            {
                DomainFilter d => ["domain", d.Inclusive, long.Parse(d.Domain)],
                Filter f => ["file", f.Inclusive, f.FilenamePattern, f.LineNumber, f.AllFrames, f.Domain],
                _ => throw new InvalidOperationException(),
            }),
        };
    }
}
