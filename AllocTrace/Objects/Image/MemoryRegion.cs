using System.Globalization;

namespace AllocTrace.Objects;

/// <summary>A readable mapping of a process, as a line of <c>/proc/PID/maps</c> describes it.</summary>
/// <param name="Start">The first address.</param>
/// <param name="End">The exclusive end.</param>
/// <param name="Offset">The offset of the mapping in its file, in bytes.</param>
/// <param name="IsWritable">True if the process may write it.</param>
/// <param name="IsShared">True if other processes see what is written.</param>
/// <param name="Path">The mapped file as the process names it; empty for anonymous memory; a name in brackets for what the kernel names.</param>
internal sealed record MemoryRegion(ulong Start, ulong End, ulong Offset, bool IsWritable, bool IsShared, string Path)
{
    /// <summary>The largest number of regions that is read: a multiple of the system's default limit (vm.max_map_count).</summary>
    private const int MostRegions = 1 << 18;

    public bool IsFile => Path.StartsWith('/');

    /// <summary>Parses the lines of <c>/proc/PID/maps</c>; leaves out what cannot be read and the kernel's own pages.</summary>
    public static List<MemoryRegion> Parse(IEnumerable<string> lines)
    {
        var regions = new List<MemoryRegion>();
        foreach (var line in lines.Take(MostRegions))
        {
            // 7f00-7f10 rw-p 00001000 fd:00 1234   /usr/lib/libc.so.6
            var fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 5 || fields[1] is not ['r', _, _, _, ..] || fields[0].Split('-') is not [var start, var end])
                continue;

            var path = fields.Length > 5 ? fields[5].Trim() : "";
            if (Hex(start) is { } from && Hex(end) is { } to && from < to && Hex(fields[2]) is { } offset && !path.StartsWith("[v", StringComparison.Ordinal))
                regions.Add(new MemoryRegion(from, to, offset, fields[1][1] == 'w', fields[1][3] == 's', path));
        }

        return regions;
    }

    private static ulong? Hex(string text) => ulong.TryParse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var value) ? value : null;
}
