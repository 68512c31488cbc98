using System.Runtime.InteropServices;

namespace AllocTrace.Stacks;

/// <summary>
/// Reads the stacks of a running process. Waiting threads are read without being held, and their stacks are accepted if they have
/// not run meanwhile. Running threads are held while they are read. An inconsistent stack is read again, and never shown.
/// </summary>
internal sealed class ProcessStacks
{
    /// <summary>The number of attempts after which threads that wait are held too: something wakes them all the time.</summary>
    private const int Gentle = 20;

    /// <summary>The reason for which a thread has no frames.</summary>
    public const string Changed = "it changed during every attempt to read it";

    private const int Attempts = 100;
    private const ulong PthreadTid = 720; // offset of pthread.tid in glibc on x86-64; believed only if the process has such a thread

    /// <summary>The most interpreters and threads that are read: more than a system has.</summary>
    private const int MostThreads = 1 << 16;

    private readonly ProcessMemory _memory;
    private readonly IReadOnlyList<RemotePython> _pythons;

    private readonly CStackReader? _cStacks;
    private readonly MergedThreads? _merged;

    private ProcessStacks(uint pid, bool native)
    {
        _memory = new ProcessMemory(pid);
        _pythons = RemotePython.FindAll(_memory);
        if (native)
            _merged = new MergedThreads(_memory, _cStacks = new CStackReader(_memory));
    }

    /// <summary>Reads the Python stacks of all threads that have run Python code, in all interpreters.</summary>
    /// <param name="pid">The process.</param>
    /// <exception cref="IOException">There is no such process, or no Python in it. The message is one line.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be looked into. The message is one line that says what would help.</exception>
    public static IReadOnlyList<ThreadStack> Read(uint pid) => Read(pid, native: false, out _);

    /// <summary>Reads the stacks of all threads, and says which are missing.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="native">
    /// True for C frames as well, and for threads that have never run Python code. On x86-64 only.
    /// </param>
    /// <param name="cut">The reason for which stacks are missing, in one line; <see langword="null"/> if none are.</param>
    /// <exception cref="IOException">There is no such process, or no Python in it. The message is one line.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be looked into. The message is one line that says what would help.</exception>
    public static IReadOnlyList<ThreadStack> Read(uint pid, bool native, out string? cut)
    {
        if (native && RuntimeInformation.ProcessArchitecture != Architecture.X64)
            throw new IOException("C stacks are read on x86-64 only: leave --native out");

        try
        {
            var stacks = new ProcessStacks(pid, native);
            var threads = stacks.Read();
            cut = stacks._memory.Budget.Reason is { } reason ? $"process {pid}: some stacks are not shown: {reason}" : null;
            return threads;
        }
        catch (ReadBudgetException)
        {
            throw new IOException($"process {pid} cannot be read: its list of interpreters and threads is endless, or it has too many mapped files");
        }
        catch (UnauthorizedAccessException)
        {
            throw new UnauthorizedAccessException($"cannot read process {pid}: {Permission.WhyNot(pid)}");
        }
    }

    private List<ThreadStack> Read()
    {
        var read = new Dictionary<ulong, ThreadStack>();
        var last = new List<ThreadStack>();
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            try
            {
                _memory.Budget.Restart();
                last = ReadOnce(read, holdAll: attempt >= Gentle);
                if (last.All(thread => thread.Frames is not null) || _memory.Budget.Reason is not null)
                    return last;
            }
            catch (ReadBudgetException) when (last.Count > 0)
            {
                return last;
            }
            catch (TornReadException)
            {
                Thread.Yield(); // interpreters or threads come and go
            }
        }

        return last.Count > 0 ? last : throw new IOException($"process {_memory.Pid} has no interpreter, or changes too fast to be read");
    }

    /// <summary>One attempt; what was found to be whole before is kept in <paramref name="read"/>.</summary>
    private List<ThreadStack> ReadOnce(Dictionary<ulong, ThreadStack> read, bool holdAll)
    {
        _cStacks?.Restart();
        var before = new ProcessTasks(_memory.Pid);
        var held = new Dictionary<uint, TaskStop>();
        var seen = new List<SeenThread>();
        ProcessTasks after;
        try
        {
            foreach (var id in before.Ids.Where(id => holdAll || before.IsRunning(id) || _cStacks?.Needs(id) == true))
                Hold(id, held);

            foreach (var python in _pythons)
                ReadAll(python, before, seen);

            _merged?.Take(before, held);
            after = new ProcessTasks(_memory.Pid);
        }
        finally
        {
            foreach (var stop in held.Values)
                stop.Dispose();
        }

        bool IsWhole(uint id) => held.ContainsKey(id) || before.StoodStill(id, after);
        var allWhole = before.Ids.All(IsWhole);
        foreach (var each in seen)
        {
            if (each.Stack is not null && (each.Thread.Id != 0 ? IsWhole(each.Thread.Id) : allWhole) && (_merged is null ? each.Thread : _merged.Merge(each)) is { } whole)
                read[each.State] = whole;
        }

        return
        [
            .. seen.Select(item => read.TryGetValue(item.State, out var whole) && whole.Identifier == item.Thread.Identifier
                ? whole
                : item.Thread with { Frames = null, Problem = Changed }),
            .. _merged?.WithoutPython(seen, before, after, IsWhole) ?? [],
        ];
    }

    private void Hold(uint id, Dictionary<uint, TaskStop> held)
    {
        if (TaskStop.Try(id, out var isRefused) is { } stop)
            held.Add(id, stop);
        else if (isRefused && _cStacks is not null && !new ProcessTasks(_memory.Pid).HasEnded(id)) // of one that ends it is refused, too
            throw new UnauthorizedAccessException();
    }

    /// <summary>Adds the threads of a CPython. When that takes too much, those that were read so far are there.</summary>
    private void ReadAll(RemotePython python, ProcessTasks tasks, List<SeenThread> seen)
    {
        try
        {
            foreach (var thread in Threads(python, tasks))
                seen.Add(thread);
        }
        catch (ReadBudgetException) when (seen.Count > 0)
        {
            // The caller shows the threads read so far, and says that some are missing.
        }
    }

    private IEnumerable<SeenThread> Threads(RemotePython python, ProcessTasks tasks)
    {
        var layout = python.Layout;
        var chains = new ChainReader(_memory, python, new CodeReader(_memory, python));
        var visited = new HashSet<ulong>();
        for (var interpreter = _memory.ReadWord(python.Runtime + (ulong)layout.RuntimeInterpreters); interpreter != 0; interpreter = Next(interpreter, layout.InterpreterNext))
        {
            Visit(interpreter);
            var id = (long)_memory.ReadWord(interpreter + (ulong)layout.InterpreterId);
            for (var state = _memory.ReadWord(interpreter + (ulong)layout.InterpreterThreads); state != 0; state = Next(state, layout.StateNext))
            {
                Visit(state);
                yield return Describe(python, chains, state, tasks, id);
            }
        }

        void Visit(ulong address)
        {
            if (!visited.Add(address))
                throw _memory.Budget.Exceeded("its lists of interpreters and threads form a cycle");

            if (visited.Count > MostThreads)
                throw _memory.Budget.Exceeded($"its lists of interpreters and threads have more than {MostThreads} entries");
        }

        ulong Next(ulong address, int offset) => _memory.ReadWord(address + (ulong)offset);
    }

    private SeenThread Describe(RemotePython python, ChainReader chains, ulong state, ProcessTasks tasks, long interpreter)
    {
        var identifier = _memory.ReadWord(state + (ulong)python.Layout.StateThreadId);
        var native = python.Layout.StateNativeId is not 0 and var offset
            ? _memory.ReadWord(state + (ulong)offset)
            : _memory.TryReadWord(identifier + PthreadTid, out var word) ? word & uint.MaxValue : 0;
        var id = native <= uint.MaxValue && tasks.Contains((uint)native) ? (uint)native : 0;
        var thread = new ThreadStack
        {
            Id = id,
            Name = id == 0 ? "" : ProcessTasks.NameOf(_memory.Pid, id),
            Identifier = identifier,
            Interpreter = interpreter,
            Python = python.Version,
            IsRunning = tasks.IsRunning(id),
        };
        try
        {
            var stack = chains.Read(state);
            thread = thread with { Frames = stack.Frames, Problem = stack.IsCut ? "only the innermost frames are shown: the stack is too deep, or its frames form a cycle" : null };
            return new SeenThread(state, thread, stack, python.Loop);
        }
        catch (TornReadException)
        {
            return new SeenThread(state, thread, null, python.Loop);
        }
    }
}
