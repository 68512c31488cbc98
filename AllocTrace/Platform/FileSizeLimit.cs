using System.Runtime.InteropServices;

namespace AllocTrace.Platform;

/// <summary>
/// Turns a write beyond the limit on files (<c>ulimit -f</c>) into a failed write, as on a full disk. By default SIGXFSZ ends the program.
/// Programs that are started are not affected. The change is permanent: the runtime calls handlers later, in another thread, and without
/// the handler it would end the process after all.
/// </summary>
internal static class FileSizeLimit
{
    private static readonly PosixSignalRegistration _signal = PosixSignalRegistration.Create((PosixSignal)LibC.SigXfsz, context => context.Cancel = true);

    public static void Survive() => GC.KeepAlive(_signal);
}
