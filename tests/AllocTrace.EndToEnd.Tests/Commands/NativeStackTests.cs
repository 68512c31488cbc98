using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

using AllocTrace.Stacks;
using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Compares <c>alloctrace stack --native</c> with what glibc's backtrace() found in threads that stay where they are (native/c_waiters.c), with
/// gdb, and with the calls in the source of programs/c_waiting.py.
/// </summary>
[TestClass]
public sealed partial class NativeStackTests
{
    private static readonly string[] _callback = ["c_outer", "c_inner", "middle", "c_aligned", "of_any_size", "deepest"], _innermost = ["wait_here", "of_any_size", "innermost"];

    private static readonly Dictionary<string, string[]> _expected = new()
    {
        ["spins"] = ["first", .. _callback, .. _innermost],
        ["waits"] = ["generator", "first", .. _callback, .. _innermost],
        ["main"] = ["<module>", .. _innermost],
        ["alone"] = ["run", .. _innermost],
    };

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void C_frames_are_those_that_backtrace_finds_where_they_were_called(Python python)
    {
        using var target = new Target(python);
        var stacks = target.CStacks();
        var merged = ProcessStacks.Read((uint)target.Pid, native: true, out var cut).ToDictionary(thread => thread.Id);
        var plain = ProcessStacks.Read((uint)target.Pid).ToDictionary(thread => thread.Id);
        Assert.IsNull(cut);
        foreach (var (name, (id, addresses)) in target.Witnessed)
        {
            var c = stacks[id].Frames;
            var what = $"{python} {name}\n{string.Join('\n', c.Select(frame => frame.Place.Frame))}";
            CollectionAssert.AreEqual(addresses, c.SkipWhile(frame => frame.Place.Frame.Function != "innermost").Skip(1).Select(frame => frame.Pc).ToArray(), what);

            var (thread, frames) = (merged[id], merged[id].Frames!);
            Assert.AreEqual((null, null), (thread.Problem, thread.CProblem), what);
            var known = frames.Select(frame => frame.Function).Where(function => _expected.Values.Any(expected => expected.Contains(function)) && (function != "run" || name == "alone"));
            Assert.AreEqual(string.Join(' ', _expected[name]), string.Join(' ', known), what);
            CollectionAssert.AreEqual(plain.TryGetValue(id, out var other) ? other.Frames!.ToArray() : [], frames.Where(frame => !frame.IsNative).ToArray(), what);
            Assert.IsTrue(frames.Where(frame => frame.IsNative).All(frame => frame.Line == 0), what);
        }
    }

    [TestMethod]
    public void Every_frame_is_one_that_gdb_finds()
    {
        if (!ToolPath.Exists("gdb"))
            Assert.Inconclusive("no gdb on this machine");

        using var target = new Target(Python.Default);
        var text = Command.Run("gdb", ["-batch", "-nx", "-p", $"{target.Pid}", "-ex", "thread apply all bt"], environment: new() { ["DEBUGINFOD_URLS"] = "" }).Output;
        var compared = 0;
        foreach (var part in text.Split("\nThread ").Skip(1))
        {
            var id = uint.Parse(LightProcess().Match(part).Groups[1].Value, CultureInfo.InvariantCulture);
            var addresses = FrameAddress().Matches(part).Select(match => ulong.Parse(match.Groups[1].ValueSpan, NumberStyles.HexNumber)).ToArray();
            var found = target.CStacks()[id].Frames.Select(frame => frame.Pc).ToArray();
            Assert.IsGreaterThan(target.Witnessed.Values.Single(witness => witness.Thread == id).Addresses.Length, found.Length, part);
            var next = 0;
            foreach (var pc in found.Skip(1)) // gdb leaves the innermost address out if it begins a line, and one thread runs
            {
                var place = Array.IndexOf(addresses, pc, next); // it also shows functions that ended in a jump, which have no frame
                Assert.IsGreaterThanOrEqualTo(next, place, $"0x{pc:x} is not there:\n{part}");
                next = place + 1;
            }

            Assert.AreEqual(addresses.Length, next, $"older frames are not found:\n{part}");
            compared++;
        }

        Assert.AreEqual(_expected.Count, compared);
    }

    [TestMethod]
    public void Text_has_the_words_of_other_reports()
    {
        using var target = new Target(Python.Default);
        var text = Alloctrace.Run("stack", $"{target.Pid}", "--native").Succeeded().Output;
        StringAssert.Matches(text, new Regex(@"  \[C\] wait_here \(c_waiters\.so\)\n(  \[C\] .*\n)+  File "".*c_waiting\.py"", line \d+ in deepest\n(  \[C\] .*\n)+  File "".*c_waiting\.py"", line \d+ in middle\n"));
        StringAssert.Matches(text, new Regex(@"\nThread \d+ .*, (waiting|running) \(most recent call first\):\n(  \[C\] .*\n)*  \[C\] innermost \(c_waiters\.so\)\n(  \[C\] .*\n)*  \[C\] run \(c_waiters\.so\)\n"));
        var whole = Alloctrace.Run("stack", $"{target.Pid}", "--native", "--interpreter-frames").Succeeded().Output;
        Assert.IsGreaterThan(text.Split('\n').Length, whole.Split('\n').Length);
        Assert.AreEqual(2, Alloctrace.Run("stack", $"{target.Pid}", "--interpreter-frames").ExitCode);

        var threads = JsonDocument.Parse(Alloctrace.Run("stack", $"{target.Pid}", "--native", "--json").Succeeded().Output).RootElement.GetProperty("threads");
        var main = threads.EnumerateArray().Single(thread => thread.GetProperty("id").GetInt32() == target.Pid).GetProperty("frames").EnumerateArray().ToArray();
        var waits = main.Single(frame => frame.GetProperty("function").GetString() == "wait_here");
        Assert.AreEqual((true, 0, TestLibrary.CWaiters), (waits.GetProperty("native").GetBoolean(), waits.GetProperty("lineno").GetInt32(), waits.GetProperty("filename").GetString()));
        Assert.IsFalse(main.Single(frame => frame.GetProperty("function").GetString() == "<module>").TryGetProperty("native", out _));
    }

    /// <summary>A thread that a debugger holds cannot be held as well, and its frames are not all found without.</summary>
    [TestMethod]
    public void Refused_registers_are_one_line()
    {
        using var target = new Target(Python.Default);
        using var stop = TaskStop.Try((uint)target.Pid);
        var result = Alloctrace.Run("stack", $"{target.Pid}", "--native");
        Assert.AreEqual((1, "", $"alloctrace: cannot read process {target.Pid}: process {Environment.ProcessId} traces it, a debugger for instance\n"), (result.ExitCode, result.Output, result.Error));
    }

    [TestMethod]
    public void Killed_command_leaves_the_process_running()
    {
        const int rounds = 8;
        using var target = new Target(Python.Default);
        for (var round = 0; round < rounds; round++)
        {
            using var command = Process.Start(new ProcessStartInfo(Alloctrace.Program, ["stack", $"{target.Pid}", "--native"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Thread.Sleep(100 + (40 * round));
            command.Kill();
            command.WaitForExit();
        }

        var states = Directory.GetDirectories($"/proc/{target.Pid}/task").Select(task => File.ReadAllText($"{task}/stat").Split(')')[^1][1]).ToArray();
        Assert.IsTrue(states.All(state => state is 'R' or 'S'), string.Join(' ', states));
        Assert.Contains('R', states);
    }

    /// <summary>A process whose threads have reached the places where they stay, and wrote what backtrace() found.</summary>
    private sealed class Target : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly Process _process;

        public Target(Python python)
        {
            _process = Process.Start(new ProcessStartInfo(python.Path, [Alloctrace.ProgramFile("c_waiting.py"), TestLibrary.CWaiters, TestLibrary.CCallers, _folder.Path]))!;
            try
            {
                Await();
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public int Pid => _process.Id;

        public Dictionary<string, (uint Thread, ulong[] Addresses)> Witnessed { get; } = [];

        private void Await()
        {
            foreach (var name in _expected.Keys)
            {
                while (!File.Exists(_folder.File(name)))
                {
                    Assert.IsFalse(_process.HasExited);
                    Thread.Sleep(5);
                }

                var lines = File.ReadAllLines(_folder.File(name));
                var addresses = lines[1..].Select(line => ulong.Parse(line, NumberStyles.HexNumber)).ToArray();
                var thread = uint.Parse(lines[0], CultureInfo.InvariantCulture);
                Witnessed[name] = (thread, addresses);
                while (name != "spins" && !File.ReadAllText($"/proc/{Pid}/task/{thread}/syscall").StartsWith("0 ", StringComparison.Ordinal)) // it reads
                    Thread.Sleep(5);
            }
        }

        /// <summary>Reads the C stacks of all threads; those that do not wait are held.</summary>
        public Dictionary<uint, CStack> CStacks()
        {
            var reader = new CStackReader(new ProcessMemory((uint)Pid));
            var stacks = new Dictionary<uint, CStack>();
            foreach (var id in Witnessed.Values.Select(witness => witness.Thread))
            {
                for (var attempt = 0; !stacks.ContainsKey(id); attempt++)
                {
                    Assert.IsLessThan(100, attempt, $"thread {id} was not read");
                    reader.Restart();
                    using (var stop = attempt > 0 ? TaskStop.Try(id) : null)
                        reader.Take(id, stop);
                    if (reader.Walk(id) is { } stack)
                        stacks.Add(id, stack);
                }
            }

            return stacks;
        }

        public void Dispose()
        {
            // Not Process.Kill: this process is also the tracer, and the framework takes a stop of its child for the end.
            Command.Run("kill", ["-KILL", $"{Pid}"]);
            _process.Dispose();
            _folder.Dispose();
        }
    }

    [GeneratedRegex(@"LWP (\d+)")]
    private static partial Regex LightProcess();

    [GeneratedRegex(@"^#\d+ +0x([0-9a-f]+) in ", RegexOptions.Multiline)]
    private static partial Regex FrameAddress();
}
