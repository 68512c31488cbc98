using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AllocTrace.Stacks;

/// <summary>Another process's memory, read while it may run (process_vm_readv). What is read may be old and new at once.</summary>
internal sealed unsafe class ProcessMemory(uint pid)
{
    /// <summary>The limit on reading it.</summary>
    public ReadBudget Budget { get; } = new();

    /// <summary>A system's limit (IOV_MAX).</summary>
    public const int MostRanges = 1024;

    public uint Pid { get; } = pid;

    /// <returns><see langword="false"/> if there is no such memory, or the process has ended.</returns>
    /// <exception cref="UnauthorizedAccessException">The system does not allow it.</exception>
    public bool TryRead(ulong address, Span<byte> bytes) => ReadSome(address, bytes) == bytes.Length;

    /// <summary>Reads as much as there is, up to the first page that cannot be read.</summary>
    /// <returns>The number of bytes; 0 if there are none.</returns>
    /// <exception cref="UnauthorizedAccessException">The system does not allow it.</exception>
    public int ReadStart(ulong address, Span<byte> bytes) => (int)Math.Max(ReadSome(address, bytes), 0);

    public bool TryReadWord(ulong address, out ulong value)
    {
        Unsafe.SkipInit(out value);
        return TryRead(address, MemoryMarshal.AsBytes(new Span<ulong>(ref value)));
    }

    /// <exception cref="TornReadException">There is no such memory.</exception>
    public void Read(ulong address, Span<byte> bytes)
    {
        if (!TryRead(address, bytes))
            throw new TornReadException();
    }

    /// <exception cref="TornReadException">There is no such memory.</exception>
    public byte[] Read(ulong address, int count)
    {
        var bytes = new byte[count];
        Read(address, bytes);
        return bytes;
    }

    /// <exception cref="TornReadException">There is no such memory.</exception>
    public ulong ReadWord(ulong address) => TryReadWord(address, out var value) ? value : throw new TornReadException();

    private nint ReadSome(ulong address, Span<byte> bytes)
    {
        Budget.Spend(bytes.Length);
        fixed (byte* start = bytes)
        {
            var (to, from) = (new LibC.IoVector { Address = (ulong)start, Length = (ulong)bytes.Length }, new LibC.IoVector { Address = address, Length = (ulong)bytes.Length });
            return Check(LibC.ReadProcess((int)Pid, &to, 1, &from, 1, 0));
        }
    }

    private static nint Check(nint read)
    {
        if (read < 0 && Marshal.GetLastPInvokeError() is LibC.EPerm or LibC.ENoSys)
            throw new UnauthorizedAccessException();

        return read;
    }
}
