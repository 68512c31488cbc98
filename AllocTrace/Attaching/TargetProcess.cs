using System.Globalization;

namespace AllocTrace.Attaching;

/// <summary>A running process: its files, what they export, and its memory. Needs the rights of ptrace(2).</summary>
internal sealed class TargetProcess : IDisposable
{
    private readonly FileStream _memory;
    private readonly (ulong Start, string Path)[] _files;

    /// <exception cref="IOException">There is no such process, or it may not be looked into. The message is one line.</exception>
    public TargetProcess(uint pid)
    {
        Pid = pid;
        Status = TargetStatus.Of(pid) ?? throw new IOException($"there is no process {pid}");
        if (Status.IsOver)
            throw new IOException($"process {pid} has ended");

        try
        {
            _files = [.. File.ReadLines($"/proc/{pid}/maps").Select(Mapping).Where(file => file.Path != "").DistinctBy(file => file.Path)];
            _memory = new FileStream($"/proc/{pid}/mem", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"cannot attach to process {pid}: {Status.WhyNot()}", e);
        }
    }

    public uint Pid { get; }

    public TargetStatus Status { get; }

    /// <summary>The mapped files.</summary>
    public IEnumerable<string> Files => _files.Select(file => file.Path);

    /// <summary>A file as the process sees it.</summary>
    public string Seen(string path) => $"/proc/{Pid}/root{path}";

    /// <summary>Returns whether a path of this process leads the process to the same folder: in a container, it may lead to another one or to none.</summary>
    public bool SeesFolder(string path) => LibC.StatusBehind(path) is { IsFolder: true } own && LibC.StatusBehind(Seen(path)) is { } seen && seen.IsSameFile(own);

    /// <summary>The mapped file that is CPython: the executable, or a library.</summary>
    /// <exception cref="IOException">There is none that could be attached to. The message is one line.</exception>
    public string FindPython()
    {
        foreach (var file in Files)
        {
            if (ElfImage.TryOpen(Seen(file)) is { } image && image.Symbols("PyEval_SaveThread").Count > 0)
                return file;
        }

        if (Files.FirstOrDefault(file => ElfImage.IsOf32Bits(Seen(file))) is not null)
            throw new IOException($"process {Pid} is a 32-bit program, which AllocTrace does not record");

        if (Files.FirstOrDefault(file => file.EndsWith(" (deleted)", StringComparison.Ordinal) && Path.GetFileName(file).Contains("python", StringComparison.Ordinal)) is { } replaced)
            throw new IOException($"process {Pid} runs a Python whose file was replaced since it started ({replaced}): restart it");

        throw new IOException($"process {Pid} runs no Python that exports its functions");
    }

    /// <summary>Returns the addresses in the process of the exported symbols of a mapped file.</summary>
    public Dictionary<string, ulong> Symbols(string path, params ReadOnlySpan<string> names)
    {
        var image = Image(path);
        return image.Symbols(names).ToDictionary(symbol => symbol.Key, symbol => symbol.Value + Bias(path, image));
    }

    /// <summary>Returns the address in the process of a section of a mapped file.</summary>
    public ulong? Section(string path, string name)
    {
        var image = Image(path);
        return image.Section(name) + Bias(path, image);
    }

    /// <exception cref="IOException">There is no such memory (any longer).</exception>
    public byte[] Read(ulong address, int count)
    {
        var bytes = new byte[count];
        _memory.Position = (long)address;
        _memory.ReadExactly(bytes);
        return bytes;
    }

    /// <exception cref="IOException">There is no such memory (any longer).</exception>
    public ulong ReadWord(ulong address) => BitConverter.ToUInt64(Read(address, sizeof(ulong)));

    /// <exception cref="IOException">There is no such memory (any longer).</exception>
    public int ReadInt(ulong address) => BitConverter.ToInt32(Read(address, sizeof(int)));

    /// <exception cref="IOException">There is no such memory (any longer).</exception>
    public void Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        _memory.Position = (long)address;
        _memory.Write(bytes);
    }

    public void Dispose() => _memory.Dispose();

    private ElfImage Image(string path) => ElfImage.TryOpen(Seen(path)) ?? throw new IOException($"{path} is not a 64-bit ELF file");

    private ulong Bias(string path, ElfImage image) => _files.First(file => file.Path == path).Start - image.FirstAddress;

    private static (ulong Start, string Path) Mapping(string line)
    {
        var path = line.IndexOf('/') is >= 0 and var at ? line[at..] : "";
        return (ulong.Parse(line.AsSpan(0, line.IndexOf('-')), NumberStyles.HexNumber, CultureInfo.InvariantCulture), path);
    }
}
