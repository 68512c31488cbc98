using System.Runtime.InteropServices;
using System.Text;

namespace AllocTrace.Sessions;

/// <summary>
/// A command started as by a shell: found by PATH, with our terminal, descriptors, process group and ignored signals. Until it is disposed
/// of, signals of the terminal to both processes are left to the command, and others are passed on. After the end of the command they are
/// ignored, because a database must be completed.
/// </summary>
internal sealed unsafe class ChildProcess : IDisposable
{
    private readonly PassedSignals _signals;

    private ChildProcess(PassedSignals signals) => _signals = signals;

    public int Pid { get; private set; }

    /// <summary>Starts a command.</summary>
    /// <param name="command">The command and its arguments.</param>
    /// <param name="variables">Environment variables that are set or replaced; an empty value removes one.</param>
    /// <exception cref="CommandNotStartedException">There is no such command, or it cannot be executed.</exception>
    public static ChildProcess Start(IReadOnlyList<string> command, IReadOnlyDictionary<string, string> variables)
    {
        var environment = RawArguments.EnvironmentWithout([.. variables.Keys]);
        environment.AddRange(variables.Where(variable => variable.Value != "").Select(variable => Encoding.UTF8.GetBytes($"{variable.Key}={variable.Value}")));
        using var arguments = new NativeStrings(RawArguments.OfCommand(command));
        using var environmentStrings = new NativeStrings(environment);

        var attributes = stackalloc byte[LibC.SpawnAttributesBytes];
        LibC.SpawnAttributesInit(attributes);
        DefaultSignals(attributes);
        var child = new ChildProcess(new PassedSignals());
        var error = LibC.SpawnByPath(out var pid, arguments.Pointer[0], null, attributes, arguments.Pointer, environmentStrings.Pointer);
        LibC.SpawnAttributesDestroy(attributes);
        if (error != 0)
        {
            child.Dispose();
            throw new CommandNotStartedException(command[0], error);
        }

        child.Pid = pid;
        child._signals.To(pid);
        return child;
    }

    /// <summary>Waits for the end.</summary>
    /// <returns>The exit code, or 128 plus the number of the signal.</returns>
    public int Wait()
    {
        Await(() => LibC.WaitForEnd(Pid));
        _signals.Dispose(); // while the number is still this process's
        var status = 0;
        Await(() => LibC.WaitPid(Pid, out status, 0));
        var signal = status & 0x7F;
        return signal != 0 ? 128 + signal : status >> 8 & 0xFF;
    }

    public void Dispose() => _signals.Dispose();

    private void Await(Func<int> wait)
    {
        while (wait() < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != LibC.EIntr)
                throw new IOException($"cannot wait for process {Pid}: {LibC.Describe(error)}");
        }
    }

    /// <summary>
    /// The runtime ignores SIGPIPE, and what is ignored stays so over exec: without this, <c>yes | head</c> would not end. Signals with
    /// handlers become default by themselves; the others are ours by inheritance, and the command's too.
    /// </summary>
    private static void DefaultSignals(byte* attributes)
    {
        var signals = stackalloc byte[LibC.SignalSetBytes];
        LibC.SignalSetEmpty(signals);
        LibC.SignalSetAdd(signals, LibC.SigPipe);
        LibC.SpawnAttributesSetDefaultSignals(attributes, signals);
        LibC.SpawnAttributesSetFlags(attributes, LibC.SpawnSetSigDef);
    }
}
