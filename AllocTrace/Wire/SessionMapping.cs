using System.Runtime.InteropServices;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Wire;

/// <summary>Owns the mapping of a session file: address space for everything that the file may ever hold, whatever it holds now.</summary>
/// <remarks>Addresses beyond the file's end are reserved but must not be touched: the system answers with SIGBUS.</remarks>
internal sealed class SessionMapping : SafeHandleZeroOrMinusOneIsInvalid
{
    private const long ReservedBytes = WireFormat.HeaderBytes + (long)WireFormat.MaxExtents * WireFormat.ExtentBytes;

    private SessionMapping()
        : base(ownsHandle: true)
    {
    }

    /// <summary>Maps a file.</summary>
    /// <param name="file">The open file; the mapping does not need it any longer afterwards.</param>
    /// <param name="shared">Whether stores reach the file; otherwise they stay private to this mapping.</param>
    /// <exception cref="IOException">The system refuses (a limit on address space).</exception>
    public static SessionMapping Create(SafeFileHandle file, bool shared)
    {
        var mapping = new SessionMapping();
        var flags = (shared ? LibC.MapShared : LibC.MapPrivate) | LibC.MapNoReserve;
        mapping.SetHandle(LibC.Map(0, unchecked((nuint)ReservedBytes), LibC.ProtRead | LibC.ProtWrite, flags, file, 0));
        if (mapping.IsInvalid)
            throw new IOException($"cannot map the session: {LibC.Describe(Marshal.GetLastPInvokeError())}");

        return mapping;
    }

    protected override bool ReleaseHandle() => LibC.Unmap(handle, unchecked((nuint)ReservedBytes)) == 0;
}
