using System.Globalization;
using System.Text.RegularExpressions;

using AllocTrace.Stacks;

namespace AllocTrace.Native.Tests;

/// <summary>Compares the layout table with the output of programs that were compiled with each CPython's own headers (offsets/).</summary>
[TestClass]
public sealed partial class LayoutTests
{
    private static readonly string _folder = Path.Combine(AppContext.BaseDirectory, "offsets");

    [GeneratedRegex(@"^3\.(\d+)\.\d+(t?)(-dbg)?$")]
    private static partial Regex Release();

    /// <summary>
    /// The releases. Py_TRACE_REFS builds (-tr) up to 3.12 are refused at run time; later ones have the layout of others.
    /// </summary>
    public static IEnumerable<object[]> Releases =>
        Directory.GetFiles(_folder, "3.*.txt").Select(Path.GetFileNameWithoutExtension).Where(name => Release().IsMatch(name!)).Order().Select(name => new object[] { name! });

    [TestMethod]
    [DynamicData(nameof(Releases))]
    public void Layout_is_that_of_the_headers(string release)
    {
        var (minor, freeThreaded) = Parse(release);
        var headers = File.ReadLines(Path.Combine(_folder, release + ".txt")).ToHashSet();
        var ours = NativeParts.Run("--layout", minor, freeThreaded).Succeeded().Lines;
        // One name was written differently for two versions.
        var missing = ours.Where(line => !headers.Contains(line) && !headers.Contains(line.Replace("runtime.finalizing", "runtime._finalizing"))
                                         && HasName(headers, line)).ToArray();
        Assert.IsEmpty(missing, string.Join("; ", missing));
        Assert.IsGreaterThan(20, ours.Count(line => headers.Contains(line)));
    }

    [TestMethod]
    public void Layouts_of_the_managed_walk_are_those_of_the_library() => Assert.AreEqual(NativeParts.Run("--layouts").Succeeded().Output, PythonLayout.Table());

    [TestMethod]
    [DynamicData(nameof(PublishedOffsets))]
    public void Managed_walk_compares_debug_offsets(string release)
    {
        var (minor, freeThreaded) = Parse(release);
        var layout = PythonLayout.Find(int.Parse(minor, CultureInfo.InvariantCulture), freeThreaded == "1")!;
        var runtime = new byte[1024];
        foreach (var (field, position) in Positions(release))
        {
            if (NativeFields(release).TryGetValue(field, out var offset))
                BitConverter.TryWriteBytes(runtime.AsSpan(position), offset);
        }

        Assert.IsNull(layout.DifferenceFrom(runtime));
        runtime[Positions(release)["thread_state.current_frame"]]++;
        Assert.AreEqual("thread_state.frame", layout.DifferenceFrom(runtime));
    }

    public static IEnumerable<object[]> PublishedOffsets => Directory.GetFiles(_folder, "do-*.txt").Select(file => new object[] { Path.GetFileNameWithoutExtension(file)[3..] });

    [TestMethod]
    [DynamicData(nameof(PublishedOffsets))]
    public void Debug_offsets_are_compared_field_by_field(string release)
    {
        var (minor, freeThreaded) = Parse(release);
        var fields = NativeFields(release);
        var positions = Positions(release);
        var runtime = new byte[1024];
        "xdebugpy"u8.CopyTo(runtime);
        BitConverter.TryWriteBytes(runtime.AsSpan(8), ulong.Parse(minor, CultureInfo.InvariantCulture) << 16 | 3UL << 24);
        BitConverter.TryWriteBytes(runtime.AsSpan(16), freeThreaded == "1" ? 1UL : 0UL);
        foreach (var (field, offset) in fields)
            BitConverter.TryWriteBytes(runtime.AsSpan(positions[field]), offset);
        Assert.AreEqual("match", Compare(runtime, minor, freeThreaded));

        foreach (var field in fields.Keys)
        {
            var other = runtime.ToArray();
            other[positions[field]] += 8;
            Assert.AreEqual(field, Compare(other, minor, freeThreaded));
        }
        runtime[0] = (byte)'y';
        Assert.AreEqual("cookie", Compare(runtime, minor, freeThreaded));
    }

    /// <summary>The fields that are compared, with the offsets of the headers.</summary>
    private static Dictionary<string, ulong> NativeFields(string release)
    {
        var headers = Headers(release);
        // Two releases do not print a few names, which are taken from a later one.
        foreach (var (name, offset) in Headers(release.Replace("3.14.8", "3.14.10", StringComparison.Ordinal).Replace("3.15.0", "3.15.2", StringComparison.Ordinal)))
            headers.TryAdd(name, offset);
        var names = new Dictionary<string, string>
        {
            ["runtime_state.finalizing"] = "runtime._finalizing",
            ["thread_state.interp"] = "tstate.interp",
            ["thread_state.current_frame"] = "tstate.current_frame",
            ["thread_state.thread_id"] = "tstate.thread_id",
            ["thread_state.next"] = "tstate.next",
            ["thread_state.native_thread_id"] = "tstate.native_thread_id",
            ["runtime_state.interpreters_head"] = "runtime.interpreters.head",
            ["interpreter_state.threads_head"] = "interp.threads.head",
            ["interpreter_state.next"] = "interp.next",
            ["interpreter_state.id"] = "interp.id",
            ["interpreter_frame.previous"] = "iframe.previous",
            ["interpreter_frame.executable"] = "iframe.f_executable",
            ["interpreter_frame.instr_ptr"] = "iframe.instr_ptr",
            ["interpreter_frame.owner"] = "iframe.owner",
            ["code_object.filename"] = "code.co_filename",
            ["code_object.name"] = "code.co_name",
            ["code_object.qualname"] = "code.co_qualname",
            ["code_object.linetable"] = "code.co_linetable",
            ["code_object.firstlineno"] = "code.co_firstlineno",
            ["code_object.co_code_adaptive"] = "code.co_code_adaptive",
            ["pyobject.ob_type"] = "pyobject.ob_type",
            ["bytes_object.ob_size"] = "pyvarobject.ob_size",
            ["bytes_object.ob_sval"] = "bytes.ob_sval",
            ["unicode_object.state"] = "ascii.state",
            ["unicode_object.length"] = "ascii.length",
            ["unicode_object.asciiobject_size"] = "ascii.sizeof",
        };
        if (release.StartsWith("3.15", StringComparison.Ordinal))
        {
            names["unicode_object.compactunicodeobject_size"] = "compact.sizeof";
            names["thread_state.last_profiled_frame"] = "tstate.last_profiled_frame";
            names["thread_state.last_profiled_frame_seq"] = "tstate.last_profiled_frame_seq";
        }
        if (release.EndsWith('t') && !release.StartsWith("3.13", StringComparison.Ordinal))
        {
            names["interpreter_frame.tlbc_index"] = "iframe.tlbc_index";
            names["code_object.co_tlbc"] = "code.co_tlbc";
        }
        return names.ToDictionary(pair => pair.Key, pair => headers[pair.Value]);
    }

    private static Dictionary<string, int> Positions(string release) =>
        File.ReadLines(Path.Combine(_folder, $"do-{release}.txt")).Skip(1).Select(line => line.Split(' ')).ToDictionary(parts => parts[0], parts => int.Parse(parts[1], CultureInfo.InvariantCulture));

    private static Dictionary<string, ulong> Headers(string release) =>
        File.ReadLines(Path.Combine(_folder, release + ".txt")).Select(line => line.Split(' ')).Where(parts => parts.Length == 2 && ulong.TryParse(parts[1], out _))
            .ToDictionary(parts => parts[0], parts => ulong.Parse(parts[1], CultureInfo.InvariantCulture));

    private static string Compare(byte[] runtime, string minor, string freeThreaded)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, runtime);
            return NativeParts.Run("--debug-offsets", minor, freeThreaded, file).Succeeded().Lines[0];
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static (string Minor, string FreeThreaded) Parse(string release)
    {
        var match = Release().Match(release);
        return (match.Groups[1].Value, match.Groups[2].Value == "t" ? "1" : "0");
    }

    /// <summary>Returns true if a file has a name: some lack a few, and must agree in the others.</summary>
    private static bool HasName(HashSet<string> headers, string line) =>
        headers.Any(other => other.StartsWith(line[..(line.LastIndexOfAny([' ', '=']) + 1)], StringComparison.Ordinal));
}
