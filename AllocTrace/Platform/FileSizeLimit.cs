using System.Runtime.InteropServices;

namespace AllocTrace.Platform;

/// <summary>
/// A write beyond the limit on files (<c>ulimit -f</c>) is answered with SIGXFSZ, which ends the program. From the first call on, it is a failed
/// write, as on a full disk. Programs that are started are not affected. It is for good: the runtime asks handlers later, in another thread, and
/// with the handler gone by then it would end the process after all.
/// </summary>
internal static class FileSizeLimit
{
    private static readonly PosixSignalRegistration _signal = PosixSignalRegistration.Create((PosixSignal)LibC.SigXfsz, context => context.Cancel = true);

    public static void Survive() => GC.KeepAlive(_signal);
}
