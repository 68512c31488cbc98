using System.Globalization;
using System.Text.RegularExpressions;


namespace AllocTrace.Stacks;

/// <summary>A CPython in another process: where its state is, and the layout that fits it.</summary>
internal sealed partial class RemotePython
{
    private const int DebugOffsetsBytes = 888;
    private const string LoopName = "_PyEval_EvalFrameDefault";

    /// <summary>The most mapped files that are looked at.</summary>
    private const int MostFiles = 1 << 14;

    private RemotePython(string path, PythonLayout layout, ulong runtime, ulong codeType, ulong textType)
    {
        (Path, Layout, Runtime, CodeType, TextType) = (path, layout, runtime, codeType, textType);
        Version = string.Create(CultureInfo.InvariantCulture, $"3.{layout.Minor}{(layout.FreeThreaded ? "t" : "")}");
    }

    /// <summary>The file that it is in.</summary>
    public string Path { get; }

    public PythonLayout Layout { get; }

    /// <summary>The address of <c>_PyRuntime</c>.</summary>
    public ulong Runtime { get; }

    /// <summary>The addresses of <c>PyCode_Type</c> and <c>PyUnicode_Type</c>, by which objects are known.</summary>
    public ulong CodeType { get; }

    public ulong TextType { get; }

    /// <summary>The address of the interpreter's loop; 0 if it is not exported.</summary>
    public ulong Loop { get; private init; }

    /// <summary>The version, for example 3.13 or 3.13t.</summary>
    public string Version { get; }

    /// <summary>Every CPython of a process.</summary>
    /// <exception cref="IOException">There is none that can be read. The message is one line and says why.</exception>
    /// <exception cref="UnauthorizedAccessException">The system does not allow it.</exception>
    public static IReadOnlyList<RemotePython> FindAll(ProcessMemory memory)
    {
        var found = new List<RemotePython>();
        var problem = $"process {memory.Pid} runs no Python that exports its symbols";
        foreach (var (start, path) in MappedFiles(memory.Pid))
        {
            memory.Budget.Spend(0);
            var seen = $"/proc/{memory.Pid}/root{path}";
            if (ElfImage.TryOpen(seen) is not { } image)
            {
                if (path.EndsWith(" (deleted)", StringComparison.Ordinal) && System.IO.Path.GetFileName(path).Contains("python", StringComparison.Ordinal))
                    problem = $"process {memory.Pid} runs a Python whose file was replaced since it started ({path}): its symbols cannot be read";
                continue;
            }

            var symbols = image.Symbols("_PyRuntime", "Py_Version", "PyCode_Type", "PyUnicode_Type", LoopName);
            if (!symbols.ContainsKey("_PyRuntime") || !symbols.ContainsKey("PyCode_Type") || !symbols.ContainsKey("PyUnicode_Type"))
                continue;

            var bias = start - image.FirstAddress;
            if (Describe(memory, path, symbols.ToDictionary(symbol => symbol.Key, symbol => symbol.Value + bias), out var why) is { } python)
                found.Add(python);
            else
                problem = $"process {memory.Pid}: {why}";
        }

        return found.Count > 0 ? found : throw new IOException(problem);
    }

    private static RemotePython? Describe(ProcessMemory memory, string path, Dictionary<string, ulong> symbols, out string why)
    {
        var runtime = symbols["_PyRuntime"];
        Span<byte> offsets = stackalloc byte[DebugOffsetsBytes];
        if (!memory.TryRead(runtime, offsets))
        {
            why = $"the state of {path} cannot be read";
            return null;
        }

        var isPublished = offsets[..8].SequenceEqual("xdebugpy"u8); // 3.13 and later
        var minor = isPublished ? (int)(BitConverter.ToUInt64(offsets[8..]) >> 16 & 0xff)
            : symbols.TryGetValue("Py_Version", out var version) && memory.TryReadWord(version, out var hex) ? (int)(hex >> 16 & 0xff) // 3.11 and 3.12
            : MinorOf(path);
        var layout = PythonLayout.Find(minor, freeThreaded: isPublished && BitConverter.ToUInt64(offsets[16..]) != 0);
        if (layout is null)
        {
            why = minor == 0 ? $"the version of {path} is not known" : $"the layout of CPython 3.{minor} is not known";
            return null;
        }

        if (isPublished && layout.DifferenceFrom(offsets) is { } member)
        {
            why = $"the layout of this CPython 3.{minor} is not known ({member})";
            return null;
        }

        why = "";
        return new RemotePython(path, layout, runtime, symbols["PyCode_Type"], symbols["PyUnicode_Type"]) { Loop = symbols.GetValueOrDefault(LoopName) };
    }

    /// <summary>To 3.10, which do not say: by the name of the file, or of the folder that it looks for its library in.</summary>
    private static int MinorOf(string path)
    {
        var name = System.IO.Path.GetFileName(path);
        var match = Named().Match(name);
        if (!match.Success)
        {
            try
            {
                match = Named().Match(System.IO.Path.GetFileName(new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? ""));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return 0;
            }
        }

        return match.Success ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0;
    }

    /// <summary>Each mapped file once, with its first address.</summary>
    private static IEnumerable<(ulong Start, string Path)> MappedFiles(uint pid)
    {
        IEnumerable<string> lines;
        try
        {
            lines = File.ReadLines($"/proc/{pid}/maps");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new IOException($"there is no process {pid}");
        }

        return lines.Where(line => line.Contains('/')).Select(line => (Start: ulong.Parse(line.AsSpan(0, line.IndexOf('-')), NumberStyles.HexNumber, CultureInfo.InvariantCulture), Path: line[line.IndexOf('/')..]))
            .DistinctBy(file => file.Path).Take(MostFiles);
    }

    [GeneratedRegex(@"python3\.(\d+)")]
    private static partial Regex Named();
}
