using System.Runtime.InteropServices;

namespace AllocTrace.Sessions;

/// <summary>
/// Passes signals of other processes on to a command, and leaves those of the terminal, which both get (pass_signals.h). From its creation
/// on, also after its end, none of these signals ends this process. There is one such object at a time.
/// </summary>
internal sealed unsafe class PassedSignals : IDisposable
{
    private const int NotYet = 0, Ended = -1;

    private readonly delegate* unmanaged<int, void> _pass;

    /// <summary>Signals that come before there is a process are kept for it.</summary>
    /// <exception cref="IOException">The library is missing or cannot be loaded. The message is one line.</exception>
    public PassedSignals()
    {
        var path = NativeLibraryFile.Find();
        try
        {
            _pass = (delegate* unmanaged<int, void>)NativeLibrary.GetExport(NativeLibrary.Load(path), "alloctrace_pass_signals");
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            throw new IOException($"{path} cannot be loaded: {e.Message.ReplaceLineEndings(" ")}", e);
        }

        _pass(NotYet);
    }

    /// <summary>Names the process that gets them.</summary>
    public void To(int pid) => _pass(pid);

    /// <summary>From here on they do nothing. To be called before the process's number can be another's.</summary>
    public void Dispose() => _pass(Ended);
}
