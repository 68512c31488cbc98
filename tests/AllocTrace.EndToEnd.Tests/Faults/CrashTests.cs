using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Real crashes, recorded with the option crash, against what faulthandler says of the same crash.</summary>
[TestClass]
public sealed partial class CrashTests
{
    private static readonly (string How, string Where, string Signal)[] _crashes =
    [
        ("null", "main", "SIGSEGV"), ("null", "thread", "SIGSEGV"), ("overflow", "main", "SIGSEGV"), ("overflow", "thread", "SIGSEGV"), ("abort", "main", "SIGABRT"),
        ("abort", "thread", "SIGABRT"), ("ill", "main", "SIGILL"), ("fpe", "main", "SIGFPE"), ("bus", "main", "SIGBUS"), ("recursion", "main", "SIGSEGV"), ("collecting", "main", "SIGSEGV"),
    ];

    private static readonly Dictionary<string, int> _numbers = new() { ["SIGILL"] = 4, ["SIGABRT"] = 6, ["SIGBUS"] = 7, ["SIGFPE"] = 8, ["SIGSEGV"] = 11 };

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Every_kind_of_crash_leaves_all_stacks_as_faulthandler_prints_them(Python python)
    {
        foreach (var (how, where, signal) in _crashes)
        {
            using var folder = new TemporaryFolder();
            var database = folder.File("crash.db");
            var result = Alloctrace.Run("run", "-q", "-o", database, "--crash", "on", "--", python.Path, Alloctrace.ProgramFile("crashing.py"), how, where, "first", TestLibrary.Crashing);
            var what = $"{python} {how} {where}\n{result.Error}";
            Assert.AreEqual(128 + _numbers[signal], result.ExitCode, what);
            var crash = CrashOf(database);
            Assert.AreEqual(signal, crash.GetProperty("name").GetString(), what);
            Assert.IsTrue(crash.GetProperty("complete").GetBoolean(), what);
            Assert.IsFalse(crash.TryGetProperty("nested_signal", out _), what);
            Assert.AreEqual(how == "collecting" && python.Minor >= 10, crash.GetProperty("collecting").GetBoolean(), what);
            AssertSameStacks(result.Error, crash, what);
            Assert.IsGreaterThan(3, crash.GetProperty("allocations").GetArrayLength(), what);
        }
    }

    [TestMethod]
    public void Crashes_of_sampled_recordings_have_the_last_allocations()
    {
        const int kept = 64;
        using var folder = new TemporaryFolder();
        var database = folder.File("crash.db");
        Alloctrace.Run("run", "-q", "-o", database, "--sample", "64", "--crash", "on", "--", Python.Default.Path, Alloctrace.ProgramFile("crashing.py"), "null", "main", "none", TestLibrary.Crashing);
        Assert.AreEqual(kept, CrashOf(database).GetProperty("allocations").GetArrayLength());
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Without_faulthandler_the_address_is_known_and_the_end_is_the_signal_s(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("crash.db");
        Assert.AreEqual(139, Alloctrace.Run("run", "-q", "-o", database, "--crash", "on", "--", python.Path, Alloctrace.ProgramFile("crashing.py"), "null", "thread", "none", TestLibrary.Crashing).ExitCode);
        var crash = CrashOf(database);
        Assert.AreEqual((0UL, 1), (crash.GetProperty("address").GetUInt64(), crash.GetProperty("code").GetInt32()));
        var crashed = crash.GetProperty("threads").EnumerateArray().Single(thread => thread.GetProperty("crashed").GetBoolean());
        Assert.AreEqual(crash.GetProperty("thread").GetInt64(), crashed.GetProperty("id").GetInt64());
        Assert.AreEqual("crash", crashed.GetProperty("traceback").EnumerateArray().Last().GetProperty("function").GetString());

        StringAssert.Contains(Alloctrace.Run("crash", database).Succeeded().Output, "SIGSEGV at address 0x0 in thread ");
        StringAssert.Contains(Alloctrace.Run("summary", database).Succeeded().Output, "Crashed: SIGSEGV at address 0x0 in thread ");
        Assert.AreEqual("killed", TraceQuery.Single<string>(database, "SELECT ending FROM process"));
        var merged = folder.File("merged.db");
        Alloctrace.Run("merge", "-o", merged, database).Succeeded();
        Assert.AreEqual(Alloctrace.Run("crash", database, "--json").Succeeded().Output, Alloctrace.Run("crash", merged, "--json").Succeeded().Output);
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Crashes_are_recorded_when_faulthandler_comes_after_the_tracer(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("crash.db");
        var result = python.Run([Alloctrace.ProgramFile("crashing.py"), "null", "thread", "last", TestLibrary.Crashing, Alloctrace.Library, database], environment: new() { ["ALLOCTRACE"] = null });
        Assert.AreEqual(139, result.ExitCode, result.Error);
        HostDatabase.Await(database);
        var crash = CrashOf(database);
        Assert.AreEqual(0UL, crash.GetProperty("address").GetUInt64());
        AssertSameStacks(result.Error, crash, result.Error);
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Signal_from_outside_has_a_sender(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("crash.db");
        var start = new ProcessStartInfo(Alloctrace.Program, ["run", "-q", "-o", database, "--crash", "on", "--", python.Path, Alloctrace.ProgramFile("crashing.py"), "kill", "main", "first", TestLibrary.Crashing])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        Assert.AreEqual("ready", process.StandardOutput.ReadLine());
        var child = File.ReadAllText($"/proc/{process.Id}/task/{process.Id}/children").Split(' ')[0];
        using var killer = Process.Start("kill", ["-SEGV", child]);
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(139, process.ExitCode, error);
        var crash = CrashOf(database);
        Assert.AreEqual("SIGSEGV", crash.GetProperty("name").GetString());
        Assert.IsFalse(crash.TryGetProperty("address", out _));
        Assert.IsTrue(crash.TryGetProperty("sender_pid", out _));
        AssertSameStacks(error, crash, error);
    }

    [TestMethod]
    public void Nothing_is_recorded_where_nothing_crashed_or_nobody_asked()
    {
        using var folder = new TemporaryFolder();
        var (calm, off) = (folder.File("calm.db"), folder.File("off.db"));
        Alloctrace.Run("run", "-q", "-o", calm, "--crash", "on", "--", Python.Default.Path, "-c", "pass").Succeeded();
        Assert.AreEqual(139, Alloctrace.Run("run", "-q", "-o", off, "--", Python.Default.Path, Alloctrace.ProgramFile("crashing.py"), "null", "main", "none", TestLibrary.Crashing).ExitCode);
        foreach (var database in (string[])[calm, off])
        {
            var result = Alloctrace.Run("crash", database).Succeeded();
            Assert.AreEqual(("", $"alloctrace: {database}: no crash was recorded. Record crashes with 'alloctrace run --crash on'\n"), (result.Output, result.Error));
            Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM crash"));
        }
    }

    private static JsonElement CrashOf(string database) =>
        JsonDocument.Parse(Alloctrace.Run("crash", database, "--json").Succeeded().Output).RootElement.GetProperty("crashes").EnumerateArray().Single();

    [GeneratedRegex("^(Current thread|Thread) 0x([0-9a-f]+).*:$")]
    private static partial Regex Header();

    [GeneratedRegex("^  File \"(.*)\", line ([0-9]+) in (.*)$")]
    private static partial Regex FrameLine();

    /// <summary>Each thread's frames, innermost first, as far as faulthandler prints them.</summary>
    private static void AssertSameStacks(string faulthandler, JsonElement crash, string what)
    {
        const int MostFrames = 100;
        var printed = new Dictionary<ulong, List<string>>();
        List<string>? frames = null;
        ulong current = 0;
        foreach (var line in faulthandler.Split('\n'))
        {
            if (Header().Match(line) is { Success: true } header)
            {
                var identifier = ulong.Parse(header.Groups[2].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                current = header.Groups[1].Value == "Current thread" ? identifier : current;
                printed.Add(identifier, frames = []);
            }
            else if (frames is not null && FrameLine().Match(line) is { Success: true } frame)
            {
                frames.Add($"{frame.Groups[1]}:{frame.Groups[2]} {frame.Groups[3]}");
            }
            else if (line == "")
            {
                frames = null;
            }
        }

        var recorded = crash.GetProperty("threads").EnumerateArray().ToDictionary(thread => thread.GetProperty("ident").GetUInt64());
        CollectionAssert.AreEquivalent(printed.Keys, recorded.Keys, what);
        Assert.IsTrue(recorded[current].GetProperty("crashed").GetBoolean(), what);
        foreach (var (identifier, expected) in printed)
        {
            var traceback = recorded[identifier].GetProperty("traceback").EnumerateArray().Reverse().Take(MostFrames)
                .Select(frame => $"{frame.GetProperty("filename")}:{frame.GetProperty("lineno")} {frame.GetProperty("function").GetString()!.Split('.')[^1]}").ToArray();
            CollectionAssert.AreEqual(expected, traceback, $"{what}\nrecorded\n{string.Join('\n', traceback)}");
        }
    }
}
