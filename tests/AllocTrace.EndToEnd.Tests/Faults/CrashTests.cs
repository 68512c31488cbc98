using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Compares real crashes, recorded with the option crash, with faulthandler's report of the same crash.</summary>
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
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void C_stack_of_the_crash_is_what_backtrace_finds(Python python)
    {
        foreach (var (how, where) in (IEnumerable<(string, string)>)[("null", "main"), ("null", "thread"), ("jump", "main"), ("abort", "main")])
        {
            using var folder = new TemporaryFolder();
            var (database, witness) = (folder.File("crash.db"), folder.File("witness"));
            Command.Run(
                Alloctrace.Program,
                ["run", "-q", "-o", database, "--crash", "on", "--", python.Path, Alloctrace.ProgramFile("crashing.py"), how, where, "none", TestLibrary.Crashing],
                environment: new() { ["WITNESS"] = witness });
            var frames = CrashOf(database).GetProperty("c_traceback").EnumerateArray()
                .Select(frame => (File: frame.GetProperty("filename").GetString()!, Offset: frame.GetProperty("offset").GetUInt64(), Function: frame.GetProperty("function").GetString()!)).ToList();
            var crashing = frames.FindIndex(frame => frame.Function.Split('.')[0] == "crash"); // crash.cold, too
            Assert.IsGreaterThanOrEqualTo(0, crashing, string.Join('\n', frames));
            Assert.AreEqual(how == "null", crashing == 0);
            if (how == "jump")
                Assert.AreEqual(("", 0UL, ""), frames[0]);

            // The first two are the witness and a place in crash() before the crash.
            CollectionAssert.AreEqual(
                Witnessed(witness).Skip(2).ToArray(), frames.Skip(crashing + 1).Select(frame => (frame.File, frame.Offset)).ToArray(), $"{python} {how} {where}\n{string.Join('\n', frames)}");
            StringAssert.Matches(
                Alloctrace.Run("crash", database).Succeeded().Output,
                new Regex(@"Crashed thread .* \(most recent call first\):\n(    \[C\] .*\n)*    \[C\] crash(\.cold)? \(crashing\.so\)\n(    \[C\] .*\n)*    File "".*crashing\.py"", line \d+ in crash\n"));
        }
    }

    /// <summary>Crashes in C that a finalizer calls, which the garbage collector called, which Python called.</summary>
    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void C_frames_of_the_crash_are_between_the_Python_frames(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("crash.db");
        Alloctrace.Run("run", "-q", "-o", database, "--crash", "on", "--", python.Path, Alloctrace.ProgramFile("crashing.py"), "collecting", "main", "none", TestLibrary.Crashing);
        var crash = JsonDocument.Parse(Alloctrace.Run("crash", database, "--json", "--interpreter-frames").Succeeded().Output).RootElement.GetProperty("crashes")[0];
        var merged = crash.GetProperty("merged_traceback").EnumerateArray().ToArray();
        var what = $"{python}\n{string.Join('\n', merged)}";
        bool IsNative(JsonElement frame) => frame.TryGetProperty("native", out _);
        var traceback = crash.GetProperty("threads")[0].GetProperty("traceback").EnumerateArray().Select(frame => frame.GetRawText()).ToArray();
        CollectionAssert.AreEqual(traceback, merged.Where(frame => !IsNative(frame)).Select(frame => frame.GetRawText()).ToArray(), what);
        Assert.AreEqual(crash.GetProperty("c_traceback").GetArrayLength(), merged.Count(IsNative), what);

        // From the outside: the program's start, its Python, the collector, the finalizer, ctypes and the crash.
        var kinds = string.Concat(merged.Select(frame => IsNative(frame) ? 'c' : 'p'));
        StringAssert.Matches(kinds, new Regex(python.Minor <= 10 ? "^c+pc+pc+pc+$" : "^c+ppc+pc+$"), what);
        Assert.StartsWith("crash", merged[^1].GetProperty("function").GetString()!, what);
        Assert.EndsWith("__del__", merged.Last(frame => !IsNative(frame)).GetProperty("function").GetString()!, what);
    }

    [TestMethod]
    public void C_stack_without_end_is_cut()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("crash.db");
        Alloctrace.Run("run", "-q", "-o", database, "--crash", "on", "--", Python.Default.Path, Alloctrace.ProgramFile("crashing.py"), "overflow", "main", "none", TestLibrary.Crashing);
        var frames = CrashOf(database).GetProperty("c_traceback").EnumerateArray().ToArray();
        Assert.HasCount(256, frames);
        Assert.IsTrue(frames.All(frame => frame.GetProperty("function").GetString() == "overflow"));
        StringAssert.Contains(Alloctrace.Run("crash", database).Succeeded().Output, "… and older C frames: without room here, or not found");
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

    /// <summary>Reads the result of backtrace(), as files and the offsets of the calls in them.</summary>
    private static IEnumerable<(string File, ulong Offset)> Witnessed(string file)
    {
        var lines = File.ReadAllLines(file);
        var mappings = lines.Select(line => Mapping().Match(line)).Where(match => match.Success)
            .Select(match => (Start: Hex(match.Groups[1]), End: Hex(match.Groups[2]), Offset: Hex(match.Groups[3]), Path: match.Groups[4].Value)).ToArray();
        foreach (var address in lines.TakeWhile(line => !line.Contains('-')).Select(line => ulong.Parse(line, NumberStyles.HexNumber) - 1))
        {
            var mapping = mappings.Single(mapping => address >= mapping.Start && address < mapping.End);
            yield return (mapping.Path, address - mapping.Start + mapping.Offset);
        }

        static ulong Hex(Group group) => ulong.Parse(group.ValueSpan, NumberStyles.HexNumber);
    }

    [GeneratedRegex("^([0-9a-f]+)-([0-9a-f]+) .... ([0-9a-f]+) [0-9a-f:]+ [0-9]+ +(.*)$")]
    private static partial Regex Mapping();

    private static JsonElement CrashOf(string database) =>
        JsonDocument.Parse(Alloctrace.Run("crash", database, "--json").Succeeded().Output).RootElement.GetProperty("crashes").EnumerateArray().Single();

    [GeneratedRegex("^(Current thread|Thread) 0x([0-9a-f]+).*:$")]
    private static partial Regex Header();

    [GeneratedRegex("^  File \"(.*)\", line ([0-9]+) in (.*)$")]
    private static partial Regex FrameLine();

    /// <summary>Compares each thread's frames, innermost first, as far as faulthandler prints them.</summary>
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
