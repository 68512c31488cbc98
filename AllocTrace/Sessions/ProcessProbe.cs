using System.Globalization;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Sessions;

/// <summary>What the system tells about another process. Not to be confused with a later process that has the same number.</summary>
internal sealed class ProcessProbe(uint pid, ulong startedTicks) : IDisposable
{
    private const int StateField = 3, StartedField = 22; // numbered from 1, as in proc_pid_stat(5)
    private SafeFileHandle? _memory;

    /// <summary>Whether the process can still write: it exists, is the same one, and is not a zombie.</summary>
    public bool IsAlive()
    {
        try
        {
            // The second field is the program's name in parentheses, and may contain anything.
            var status = File.ReadAllText($"/proc/{pid}/stat");
            var fields = status[(status.LastIndexOf(')') + 2)..].Split(' ');
            var state = fields[StateField - 3];
            var started = ulong.Parse(fields[StartedField - 3], CultureInfo.InvariantCulture);
            return state is not ("Z" or "X") && (startedTicks == 0 || started == startedTicks);
        }
        catch (IOException)
        {
            return false; // there is none, or it went away while it was looked at
        }
    }

    /// <summary>Whether the process maps a file. After exec it does not, though number and start are the same.</summary>
    /// <returns><see langword="true"/> also when the system does not tell.</returns>
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

    /// <summary>How much of the process is in memory, bytes; <see langword="null"/> when the system does not tell.</summary>
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
}
