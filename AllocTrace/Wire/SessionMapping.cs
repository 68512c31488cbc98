using System.Runtime.InteropServices;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Wire;

/// <summary>Owns the mapping of a part of a session file, which may be beyond the file's present end.</summary>
/// <remarks>Addresses beyond the file's end are reserved but must not be touched: the system answers with SIGBUS.</remarks>
internal sealed class SessionMapping : SafeHandleZeroOrMinusOneIsInvalid
{
    private readonly nuint _length;

    private SessionMapping(nuint length)
        : base(ownsHandle: true) => _length = length;

    /// <summary>Maps a part of a file.</summary>
    /// <param name="file">The open file; the mapping does not need it any longer afterwards.</param>
    /// <param name="offset">The offset of the part, a whole number of pages.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="shared">True if stores reach the file; otherwise they stay private to this mapping.</param>
    /// <exception cref="IOException">The system refuses (a limit on address space).</exception>
    public static SessionMapping Create(SafeFileHandle file, long offset, long length, bool shared)
    {
        var mapping = new SessionMapping((nuint)length);
        var flags = (shared ? LibC.MapShared : LibC.MapPrivate) | LibC.MapNoReserve;
        mapping.SetHandle(LibC.Map(0, mapping._length, LibC.ProtRead | LibC.ProtWrite, flags, file, (nint)offset));
        if (mapping.IsInvalid)
        {
            var error = Marshal.GetLastPInvokeError();
            throw new IOException($"cannot map the session: {LibC.Describe(error)}", error);
        }

        return mapping;
    }

    protected override bool ReleaseHandle() => LibC.Unmap(handle, _length) == 0;
}
