using System.Globalization;

namespace AllocTrace.Attaching;

/// <summary>A running process: its files, what they export, and its memory. Needs the rights of ptrace(2).</summary>
internal sealed class Target : IDisposable
{
    private readonly FileStream _memory;
    private readonly (ulong Start, string Path)[] _files;

    /// <exception cref="IOException">There is no such process, or it may not be looked into. The message is one line.</exception>
    public Target(uint pid)
    {
        Pid = pid;
        if (!Directory.Exists($"/proc/{pid}"))
            throw new IOException($"there is no process {pid}");

        try
        {
            _files = [.. File.ReadLines($"/proc/{pid}/maps").Select(Mapping).Where(file => file.Path != "").DistinctBy(file => file.Path)];
            _memory = new FileStream($"/proc/{pid}/mem", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"process {pid} may not be attached to: it is another user's, or has more rights, or /proc/sys/kernel/yama/ptrace_scope forbids it (try as root)", e);
        }
    }

    public uint Pid { get; }

    /// <summary>The mapped files, each with its first address.</summary>
    public IEnumerable<string> Files => _files.Select(file => file.Path);

    /// <summary>A file as the process sees it.</summary>
    public string Seen(string path) => $"/proc/{Pid}/root{path}";

    /// <summary>Where the exported symbols of a mapped file are in the process.</summary>
    public Dictionary<string, ulong> Symbols(string path, params ReadOnlySpan<string> names)
    {
        var image = new ElfImage(Seen(path));
        return image.Symbols(names).ToDictionary(symbol => symbol.Key, symbol => symbol.Value + Bias(path, image));
    }

    /// <summary>Where a section of a mapped file is in the process.</summary>
    public ulong? Section(string path, string name)
    {
        var image = new ElfImage(Seen(path));
        return image.Section(name) + Bias(path, image);
    }

    public byte[] Read(ulong address, int count)
    {
        var bytes = new byte[count];
        _memory.Position = (long)address;
        _memory.ReadExactly(bytes);
        return bytes;
    }

    public ulong ReadWord(ulong address) => BitConverter.ToUInt64(Read(address, sizeof(ulong)));

    public int ReadInt(ulong address) => BitConverter.ToInt32(Read(address, sizeof(int)));

    public void Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        _memory.Position = (long)address;
        _memory.Write(bytes);
    }

    public void Dispose() => _memory.Dispose();

    private ulong Bias(string path, ElfImage image) => _files.First(file => file.Path == path).Start - image.FirstAddress;

    private static (ulong Start, string Path) Mapping(string line)
    {
        var path = line.IndexOf('/') is >= 0 and var at ? line[at..] : "";
        return (ulong.Parse(line.AsSpan(0, line.IndexOf('-')), NumberStyles.HexNumber, CultureInfo.InvariantCulture), path);
    }
}
