using System.Runtime.InteropServices;

namespace AllocTrace.Objects;

/// <summary>The memory of a process that does not run: one that is held, or a copy that the hook made.</summary>
internal sealed unsafe class ProcessImage : IMemoryImage
{
    private readonly int _pid;

    /// <exception cref="IOException">There is no such process, or its mappings cannot be listed.</exception>
    /// <exception cref="UnauthorizedAccessException">The system does not allow it.</exception>
    public ProcessImage(int pid)
    {
        _pid = pid;
        Regions = MemoryRegion.Parse(File.ReadLines($"/proc/{pid}/maps"));
    }

    public IReadOnlyList<MemoryRegion> Regions { get; }

    public string FileRoot => $"/proc/{_pid}/root";

    /// <exception cref="IOException">The process has ended.</exception>
    /// <exception cref="UnauthorizedAccessException">The system does not allow it.</exception>
    public bool TryRead(ulong address, Span<byte> into)
    {
        fixed (byte* start = into)
        {
            var to = new LibC.IoVector { Address = (ulong)start, Length = (ulong)into.Length };
            var from = new LibC.IoVector { Address = address, Length = (ulong)into.Length };
            var read = LibC.ReadProcess(_pid, &to, 1, &from, 1, 0);
            return (read < 0 ? Marshal.GetLastPInvokeError() : 0) switch
            {
                LibC.EPerm or LibC.ENoSys => throw new UnauthorizedAccessException($"cannot read the memory of process {_pid}: permission denied. Run as the process's user or with CAP_SYS_PTRACE."),
                LibC.ESrch => throw new IOException($"process {_pid} ended while its memory was read"),
                _ => read == into.Length,
            };
        }
    }
}
