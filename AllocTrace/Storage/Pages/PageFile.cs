using System.Runtime.InteropServices;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Storage.Pages;

/// <summary>Writes bytes of a file whose name means nothing to the user.</summary>
internal static class PageFile
{
    /// <exception cref="PageFileException">They cannot be written. The message names no file.</exception>
    public static void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(file, bytes, offset);
        }
        catch (IOException e)
        {
            throw new PageFileException(Marshal.GetPInvokeErrorMessage(e.HResult), e); // errno
        }
    }
}
