namespace AllocTrace.Stacks;

/// <summary>
/// Reads the Python stacks of a running process. Waiting threads are read without being held, and their stacks are accepted if they have
/// not run meanwhile. Running threads are held while they are read. An inconsistent stack is read again, and never shown.
/// </summary>
internal sealed class ProcessStacks
{
    /// <summary>The number of attempts after which threads that wait are held too: something wakes them all the time.</summary>
    private const int Gentle = 20;

    private const int Attempts = 100;
    private const ulong PthreadTid = 720; // offset of pthread.tid in glibc on x86-64; believed only if the process has such a thread

    /// <summary>The most interpreters and threads that are read: more than a system has.</summary>
    private const int MostThreads = 1 << 16;

    private readonly ProcessMemory _memory;
    private readonly IReadOnlyList<RemotePython> _pythons;

    private ProcessStacks(uint pid)
    {
        _memory = new ProcessMemory(pid);
        _pythons = RemotePython.FindAll(_memory);
    }

    /// <summary>Reads the stacks of all threads that have run Python code, in all interpreters.</summary>
    /// <param name="pid">The process.</param>
    /// <exception cref="IOException">There is no such process, or no Python in it. The message is one line.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be looked into. The message is one line that says what would help.</exception>
    public static IReadOnlyList<ThreadStack> Read(uint pid) => Read(pid, out _);

    /// <summary>Reads the stacks of all threads that have run Python code, and says which are missing.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="cut">The reason for which stacks are missing, in one line; <see langword="null"/> if none are.</param>
    /// <exception cref="IOException">There is no such process, or no Python in it. The message is one line.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be looked into. The message is one line that says what would help.</exception>
    public static IReadOnlyList<ThreadStack> Read(uint pid, out string? cut)
    {
        try
        {
            var stacks = new ProcessStacks(pid);
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
        var before = new ProcessTasks(_memory.Pid);
        var held = new Dictionary<uint, TaskStop>();
        var seen = new List<(ulong State, ThreadStack Thread)>();
        ProcessTasks after;
        try
        {
            foreach (var id in before.Ids.Where(id => holdAll || before.IsRunning(id)))
            {
                if (TaskStop.Try(id) is { } stop)
                    held.Add(id, stop);
            }

            foreach (var python in _pythons)
                ReadAll(python, before, seen);

            after = new ProcessTasks(_memory.Pid);
        }
        finally
        {
            foreach (var stop in held.Values)
                stop.Dispose();
        }

        bool IsWhole(uint id) => held.ContainsKey(id) || before.StoodStill(id, after);
        var allWhole = before.Ids.All(IsWhole);
        foreach (var (state, thread) in seen)
        {
            if (thread.Frames is not null && (thread.Id != 0 ? IsWhole(thread.Id) : allWhole))
                read[state] = thread;
        }

        return [.. seen.Select(item => read.TryGetValue(item.State, out var whole) && whole.Identifier == item.Thread.Identifier
            ? whole
            : item.Thread with { Frames = null, Problem = "it changed during every attempt to read it" })];
    }

    /// <summary>Adds the threads of a CPython. When that takes too much, those that were read so far are there.</summary>
    private void ReadAll(RemotePython python, ProcessTasks tasks, List<(ulong State, ThreadStack Thread)> seen)
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

    private IEnumerable<(ulong State, ThreadStack Thread)> Threads(RemotePython python, ProcessTasks tasks)
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
                yield return (state, Describe(python, chains, state, tasks) with { Interpreter = id });
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

    private ThreadStack Describe(RemotePython python, ChainReader chains, ulong state, ProcessTasks tasks)
    {
        var identifier = _memory.ReadWord(state + (ulong)python.Layout.StateThreadId);
        var native = python.Layout.StateNativeId is not 0 and var offset
            ? _memory.ReadWord(state + (ulong)offset)
            : _memory.TryReadWord(identifier + PthreadTid, out var word) ? word & uint.MaxValue : 0;
        var id = native <= uint.MaxValue && tasks.Contains((uint)native) ? (uint)native : 0;
        var thread = new ThreadStack { Id = id, Name = NameOf(id), Identifier = identifier, Python = python.Version, IsRunning = tasks.IsRunning(id) };
        try
        {
            var (frames, isCut) = chains.Read(state);
            return thread with { Frames = frames, Problem = isCut ? "only the innermost frames are shown: the stack is too deep, or its frames form a cycle" : null };
        }
        catch (TornReadException)
        {
            return thread;
        }
    }

    private string NameOf(uint task)
    {
        try
        {
            return task == 0 ? "" : File.ReadAllText($"/proc/{_memory.Pid}/task/{task}/comm").TrimEnd('\n');
        }
        catch (IOException)
        {
            return "";
        }
    }
}
