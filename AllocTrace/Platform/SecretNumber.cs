using System.Runtime.InteropServices;

namespace AllocTrace.Platform;

/// <summary>
/// Makes numbers that others cannot guess, for names of files in shared folders. They come from the system directly.
/// <c>RandomNumberGenerator</c> has the same numbers, but loads OpenSSL first: two libraries that nothing else in a recording needs.
/// </summary>
internal static class SecretNumber
{
    /// <summary>Returns 64 random bits.</summary>
    /// <remarks>A Guid has 122: the six that say of which version it is lie opposite random ones.</remarks>
    public static ulong Next()
    {
        Span<byte> bytes = stackalloc byte[16];
        Guid.NewGuid().TryWriteBytes(bytes);
        var halves = MemoryMarshal.Cast<byte, ulong>(bytes);
        return halves[0] ^ halves[1];
    }
}
