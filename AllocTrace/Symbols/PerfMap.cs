using System.Globalization;

namespace AllocTrace.Symbols;

/// <summary>
/// The names of code that a process made at run time, as it wrote them to <c>/tmp/perf-PID.map</c>: CoreCLR with DOTNET_PerfMapEnabled=1, CPython with
/// -X perf. Addresses are used again, so the last line counts.
/// </summary>
internal sealed class PerfMap
{
    private const long LargestFile = 256 << 20;

    private readonly List<(ulong Start, ulong Size, string Name)> _lines = [];

    /// <summary>Reads the map of a process; without one, no address has a name.</summary>
    public static PerfMap Of(uint pid)
    {
        var map = new PerfMap();
        var path = $"/tmp/perf-{pid}.map";
        try
        {
            if (LibC.StatusBehind(path) is { IsPlainFile: true } && new FileInfo(path).Length <= LargestFile)
            {
                foreach (var line in File.ReadLines(path))
                    map.Add(line);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is not for us.
        }

        return map;
    }

    /// <summary>Finds the function that has an address.</summary>
    public FunctionName Find(ulong address)
    {
        for (var i = _lines.Count - 1; i >= 0; i--)
        {
            if (address - _lines[i].Start < _lines[i].Size)
                return new FunctionName(_lines[i].Start, _lines[i].Name);
        }

        return new FunctionName(address, null);
    }

    private void Add(string line)
    {
        var parts = line.Split(' ', 3);
        if (parts.Length == 3 && Number(parts[0], out var start) && Number(parts[1], out var size))
            _lines.Add((start, size, parts[2]));
    }

    private static bool Number(string text, out ulong number) => ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number);
}
