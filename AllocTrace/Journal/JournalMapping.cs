using System.IO.MemoryMappedFiles;
using System.Runtime.Intrinsics;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Journal;

/// <summary>
/// The part of a journal's file that earlier generations wrote, mapped, and overwritten without a system call. Its pages exist, so no write
/// can fail for lack of room. The mapped file survives its writer. Used by one thread.
/// </summary>
internal sealed unsafe class JournalMapping : IDisposable
{
    private readonly MemoryMappedFile _mapped;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;

    /// <param name="file">The journal's; not owned.</param>
    /// <param name="length">The number of its bytes that were written; not 0.</param>
    /// <exception cref="IOException">There are no addresses for it.</exception>
    public JournalMapping(SafeFileHandle file, long length)
    {
        Length = length;
        _mapped = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        _view = _mapped.CreateViewAccessor(0, length);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
    }

    /// <summary>The bytes of the file that it covers.</summary>
    public long Length { get; }

    /// <summary>The beginning of the file.</summary>
    public byte* Start => _start;

    /// <summary>Writes over what is there.</summary>
    /// <param name="at">A multiple of 32.</param>
    /// <param name="bytes">They end before <see cref="Length"/>.</param>
    public void Write(long at, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* from = bytes)
        {
            var wide = bytes.Length & -Vector128<byte>.Count;
            CopyPastCache(from, _start + at, wide);
            bytes[wide..].CopyTo(new Span<byte>(_start + at + wide, bytes.Length - wide));
        }
    }

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _mapped.Dispose();
    }

    /// <summary>
    /// Copies to memory past the cache, because no process reads the copy while its writer lives, and the replay's tables should stay in
    /// the cache.
    /// </summary>
    private static void CopyPastCache(byte* from, byte* to, int bytes)
    {
        for (var at = 0; at < bytes; at += Vector128<byte>.Count)
            Vector128.Load(from + at).StoreAlignedNonTemporal(to + at);

        Thread.MemoryBarrier(); // what is announced next is not to be seen before it
    }
}
