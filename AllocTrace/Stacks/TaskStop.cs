using System.Runtime.InteropServices;

namespace AllocTrace.Stacks;

/// <summary>
/// Holds a thread of another process (PTRACE_SEIZE, PTRACE_INTERRUPT: no signal is sent, and no parent is notified) until it is disposed of
/// or this process ends. All calls must come from the thread that made it.
/// </summary>
internal sealed class TaskStop : IDisposable
{
    /// <summary>A thread that waits within the system, uninterruptibly, does not stop before it is done: perhaps never.</summary>
    private const int LongestStopMs = 1000;

    private readonly int _id;
    private int _pendingSignal;

    private TaskStop(int id) => _id = id;

    /// <returns><see langword="null"/> if the thread has ended, or may not be held.</returns>
    public static TaskStop? Try(uint task) => Try(task, out _);

    /// <param name="task">The thread.</param>
    /// <param name="isRefused">True if it may not be held.</param>
    /// <returns><see langword="null"/> if the thread has ended, or may not be held.</returns>
    public static TaskStop? Try(uint task, out bool isRefused)
    {
        var id = (int)task;
        isRefused = false;
        if (LibC.Ptrace(LibC.PtraceSeize, id, 0, 0) != 0)
        {
            isRefused = Marshal.GetLastPInvokeError() is LibC.EPerm or LibC.ENoSys;
            return null;
        }

        var stop = new TaskStop(id);
        if (LibC.Ptrace(LibC.PtraceInterrupt, id, 0, 0) == 0 && stop.Await())
            return stop;

        stop.Dispose();
        return null;
    }

    /// <summary>Reads the registers; <see langword="null"/> if the thread has ended. On x86-64 only.</summary>
    public unsafe ulong?[]? Registers()
    {
        const int words = 27; // struct user_regs_struct
        var registers = stackalloc ulong[words];
        return LibC.Ptrace(LibC.PtraceGetRegisters, _id, 0, (nint)registers) == 0 ? Stacks.Registers.Of(new ReadOnlySpan<ulong>(registers, words)) : null;
    }

    public void Dispose() => LibC.Ptrace(LibC.PtraceDetach, _id, 0, _pendingSignal);

    private bool Await()
    {
        int status, result;
        var end = Environment.TickCount64 + LongestStopMs;
        while ((result = LibC.WaitPid(_id, out status, LibC.WaitAll | LibC.WaitNoHang)) == 0 || (result < 0 && Marshal.GetLastPInvokeError() == LibC.EIntr))
        {
            if (Environment.TickCount64 > end)
                return false;

            if (!Thread.Yield())
                Thread.Sleep(0);
        }

        var isStopped = result == _id && (status & 0xff) == 0x7f;
        if (isStopped && status >> 16 != LibC.PtraceEventStop)
            _pendingSignal = status >> 8 & 0xff; // a signal came first: it is passed on when the thread is let go
        return isStopped;
    }
}
