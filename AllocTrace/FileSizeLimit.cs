using System.Runtime.InteropServices;

namespace AllocTrace;

/// <summary>
/// A write beyond the limit on files (<c>ulimit -f</c>) is answered with SIGXFSZ, which ends the program. As long as this is held, it is a failed
/// write, as on a full disk. Programs that are started meanwhile are not affected.
/// </summary>
internal sealed class FileSizeLimit : IDisposable
{
    private readonly PosixSignalRegistration _signal = PosixSignalRegistration.Create((PosixSignal)LibC.SigXfsz, context => context.Cancel = true);

    public void Dispose() => _signal.Dispose();
}
