using System.Globalization;

namespace AllocTrace.Stacks;

/// <summary>A mapping of a process: a line of <c>/proc/PID/maps</c>.</summary>
/// <param name="Begin">Its first address.</param>
/// <param name="End">The first address behind it.</param>
/// <param name="IsCode">True if it can be executed.</param>
/// <param name="Offset">The offset of its first byte in the file.</param>
/// <param name="Path">The file, or a name such as <c>[stack]</c>; empty if there is none.</param>
internal readonly record struct ProcessMapping(ulong Begin, ulong End, bool IsCode, ulong Offset, string Path)
{
    private const int MostMappings = 1 << 18;

    /// <summary>Reads all mappings of a process, in order.</summary>
    /// <exception cref="IOException">There is no such process.</exception>
    public static ProcessMapping[] Of(uint pid)
    {
        try
        {
            return [.. File.ReadLines($"/proc/{pid}/maps").Take(MostMappings).Select(Parse)];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new IOException($"there is no process {pid}");
        }
    }

    /// <summary>Returns the place of the mapping that has an address, or -1.</summary>
    public static int Find(ProcessMapping[] sorted, ulong address)
    {
        var (low, high) = (0, sorted.Length);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (sorted[middle].End <= address)
                low = middle + 1;
            else
                high = middle;
        }

        return low < sorted.Length && sorted[low].Begin <= address ? low : -1;
    }

    private static ProcessMapping Parse(string line)
    {
        var parts = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries); // addresses, rights, offset, device, inode, path
        var dash = parts[0].IndexOf('-');
        return new ProcessMapping(Number(parts[0].AsSpan(0, dash)), Number(parts[0].AsSpan(dash + 1)), parts[1][2] == 'x', Number(parts[2]), parts.Length > 5 ? parts[5] : "");
    }

    private static ulong Number(ReadOnlySpan<char> text) => ulong.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
