using System.Globalization;
using AllocTrace.Symbols;

namespace AllocTrace.Stacks;

/// <summary>
/// Reads the C stacks of a process's threads. While a thread stands still, only its registers and a copy of its stack are taken. Of a thread
/// that waits, the system tells where it is and where its stack is (<c>/proc/PID/task/TID/syscall</c>), without holding it. That is enough as
/// long as frames are found by the stack pointer; if one is not, the thread is held the next time.
/// </summary>
internal sealed class CStackReader(ProcessMemory memory)
{
    /// <summary>
    /// The part of a stack that is read at first, and at most, in bytes: most stacks are small, and the usual limit is 8 MiB. The end of a mapping does
    /// not tell where a stack ends: neighbouring stacks may be one mapping, with guards that the system does not list (MADV_GUARD_INSTALL).
    /// </summary>
    private const int LeastStack = 256 << 10, MostStack = 8 << 20;

    private readonly SymbolFiles _symbols = new($"/proc/{memory.Pid}/root/usr/lib/debug", "/usr/lib/debug");
    private readonly PerfMap _perfMap = PerfMap.Of(memory.Pid);
    private readonly HashSet<uint> _held = [], _found = [];
    private readonly Dictionary<uint, int> _wanted = [];
    private readonly Dictionary<uint, ThreadRegisters> _taken = [];
    private readonly Dictionary<uint, CStack?> _walked = [];
    private ProcessImages _images = null!; // of the present attempt

    /// <summary>Begins an attempt.</summary>
    /// <exception cref="IOException">There is no such process.</exception>
    public void Restart()
    {
        _images = new ProcessImages(memory, _symbols, _perfMap);
        _taken.Clear();
        _walked.Clear();
    }

    /// <summary>Returns true if a thread must be held, because its registers are needed.</summary>
    public bool Needs(uint task) => _held.Contains(task) && !_found.Contains(task);

    /// <summary>Takes what a thread's stack is found by. The thread stands still.</summary>
    /// <param name="task">The thread.</param>
    /// <param name="stop">The hold on it; <see langword="null"/> if it waits.</param>
    public void Take(uint task, TaskStop? stop)
    {
        var registers = stop is null ? Waiting(task) : stop.Registers();
        if (registers is not null && _images.StackAt(registers[Registers.StackPointer]!.Value) is { } mapping)
        {
            var sp = registers[Registers.StackPointer]!.Value;
            var wanted = _wanted.GetValueOrDefault(task, LeastStack);
            var bytes = new byte[Math.Min(mapping.End - sp, (ulong)wanted)];
            if (memory.ReadStart(sp, bytes) is var read and > 0)
            {
                _taken[task] = new ThreadRegisters(registers, new StackCopy(sp, bytes.AsMemory(0, read), isPart: read == wanted && wanted < MostStack));
                return;
            }
        }

        if (stop is null)
            _held.Add(task);
    }

    /// <summary>The C stack of a thread by what was taken of it; <see langword="null"/> if that is not enough.</summary>
    public CStack? Walk(uint task)
    {
        if (!_walked.TryGetValue(task, out var stack))
            _walked.Add(task, stack = _taken.TryGetValue(task, out var taken) ? Walk(task, taken) : null);
        return stack;
    }

    private CStack? Walk(uint task, ThreadRegisters taken)
    {
        try
        {
            memory.Budget.Spend(0);
            var stack = CStackWalk.Walk(_images, taken);
            if (!taken.Stack.WasTooShort)
            {
                _found.Add(task);
                return stack;
            }

            _wanted[task] = Math.Min(taken.Stack.Bytes * 8, MostStack);
            return null;
        }
        catch (UnknownRegisterException)
        {
            _held.Add(task);
            return null;
        }
    }

    /// <summary>
    /// The registers of a thread that waits, as the system tells them: the number of its system call, the arguments, the stack pointer and the
    /// address (proc_pid_syscall(5)).
    /// </summary>
    private ulong?[]? Waiting(uint task)
    {
        try
        {
            var words = File.ReadAllText($"/proc/{memory.Pid}/task/{task}/syscall").TrimEnd('\n').Split(' ');
            return words.Length >= 3 && Number(words[^2], out var sp) && Number(words[^1], out var pc) && sp != 0 ? Registers.Of(pc, sp) : null;
        }
        catch (IOException)
        {
            return null; // it has ended, or this system does not tell
        }
    }

    private static bool Number(string word, out ulong number)
    {
        number = 0;
        return word.StartsWith("0x", StringComparison.Ordinal) && ulong.TryParse(word.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number);
    }
}
