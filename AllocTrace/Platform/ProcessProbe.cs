using System.Globalization;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Platform;

/// <summary>Reads the system's data about another process, and recognizes a later process with the same pid.</summary>
internal sealed class ProcessProbe(uint pid, ulong startedTicks) : IDisposable
{
    private const int StateField = 3, ParentField = 4, StartedField = 22; // numbered from 1, as in proc_pid_stat(5)
    private SafeFileHandle? _memory;

    /// <summary>Returns true if the process can still write: it exists, is the same one, and is not a zombie.</summary>
    public bool IsAlive()
    {
        try
        {
            var fields = Fields(pid);
            var state = fields[0];
            var started = ulong.Parse(fields[StartedField - StateField], CultureInfo.InvariantCulture);
            return state is not ("Z" or "X") && (startedTicks == 0 || started == startedTicks);
        }
        catch (IOException)
        {
            return false; // there is none, or it went away while it was looked at
        }
    }

    /// <summary>Returns whether the process maps a file. After exec it does not, though number and start are the same.</summary>
    /// <returns>True also if the system does not show it.</returns>
    public bool Maps(string path)
    {
        try
        {
            return File.ReadLines($"/proc/{pid}/maps").Any(line => line.Contains(path, StringComparison.Ordinal));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    /// <summary>
    /// Returns the value of a variable when the process's program was started; <see langword="null"/> if it had none, or the system does
    /// not show it.
    /// </summary>
    public static byte[]? InitialVariable(uint pid, ReadOnlySpan<byte> name)
    {
        try
        {
            ReadOnlySpan<byte> rest = File.ReadAllBytes($"/proc/{pid}/environ");
            while (!rest.IsEmpty)
            {
                var end = rest.IndexOf((byte)0);
                var variable = end < 0 ? rest : rest[..end];
                if (variable.StartsWith(name) && variable.Length > name.Length && variable[name.Length] == '=')
                    return variable[(name.Length + 1)..].ToArray();

                rest = end < 0 ? [] : rest[(end + 1)..];
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended, or is another user's.
        }

        return null;
    }

    /// <summary>The parent of a process, and when the process started; <see langword="null"/> when it has ended.</summary>
    public static (uint Parent, ulong StartedTicks)? Origin(uint pid)
    {
        try
        {
            var fields = Fields(pid);
            return (uint.Parse(fields[ParentField - StateField], CultureInfo.InvariantCulture), ulong.Parse(fields[StartedField - StateField], CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    /// <summary>Returns the resident memory of the process in bytes, or <see langword="null"/> if the system does not show it.</summary>
    public long? ResidentBytes()
    {
        try
        {
            _memory ??= File.OpenHandle($"/proc/{pid}/statm");
            Span<byte> text = stackalloc byte[128];
            text = text[..RandomAccess.Read(_memory, text, fileOffset: 0)];
            var second = text[(text.IndexOf((byte)' ') + 1)..];
            return long.TryParse(second[..Math.Max(0, second.IndexOf((byte)' '))], CultureInfo.InvariantCulture, out var pages)
                ? pages * Environment.SystemPageSize
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public void Dispose() => _memory?.Dispose();

    /// <summary>The fields of the process's status from <see cref="StateField"/> on.</summary>
    private static string[] Fields(uint pid)
    {
        // The second field is the program's name in parentheses, and may contain anything.
        var status = File.ReadAllText($"/proc/{pid}/stat");
        return status[(status.LastIndexOf(')') + 2)..].Split(' ');
    }
}
