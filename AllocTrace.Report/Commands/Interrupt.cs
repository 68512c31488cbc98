using System.Runtime.InteropServices;

namespace AllocTrace.Report.Commands;

/// <summary>Ctrl-C and SIGTERM as a token, while a command has something to bring to a good end.</summary>
internal sealed class Interrupt : IDisposable
{
    private readonly PosixSignalRegistration[] _signals;

    public Interrupt() => _signals = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel)];

    public CancellationTokenSource Source { get; } = new();

    public CancellationToken Token => Source.Token;

    public void Dispose()
    {
        foreach (var signal in _signals)
            signal.Dispose();

        Source.Dispose();
    }

    private void Cancel(PosixSignalContext context)
    {
        context.Cancel = true;
        Source.Cancel();
    }
}
