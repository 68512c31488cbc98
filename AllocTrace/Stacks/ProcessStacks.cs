namespace AllocTrace.Stacks;

/// <summary>
/// The Python stacks of a running process. Threads that wait are read as they are, and believed if they have not run meanwhile; threads that
/// run are held for the moment. What does not hold together is read again, and never shown.
/// </summary>
public sealed class ProcessStacks
{
    /// <summary>After so many attempts threads that wait are held too: somebody wakes them all the time.</summary>
    private const int Gentle = 20;

    private const int Attempts = 100;
    private const ulong PthreadTid = 720; // offset of pthread.tid in glibc on x86-64; believed only if the process has such a thread
    private const int MostThreads = 1 << 16;

    private readonly ProcessMemory _memory;
    private readonly IReadOnlyList<RemotePython> _pythons;

    private ProcessStacks(uint pid)
    {
        _memory = new ProcessMemory(pid);
        _pythons = RemotePython.FindAll(_memory);
    }

    /// <summary>Reads the stacks of all threads that have run Python code, in all interpreters.</summary>
    /// <exception cref="IOException">There is no such process, or no Python in it. The message is one line.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be looked into. The message is one line that says what would help.</exception>
    public static IReadOnlyList<ThreadStack> Read(uint pid)
    {
        try
        {
            return new ProcessStacks(pid).Read();
        }
        catch (UnauthorizedAccessException)
        {
            throw new UnauthorizedAccessException($"process {pid} may not be looked into: {Permission.WhyNot(pid)}");
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
                last = ReadOnce(read, holdAll: attempt >= Gentle);
                if (last.All(thread => thread.Frames is not null))
                    return last;
            }
            catch (TornReadException)
            {
                Thread.Yield(); // interpreters or threads come and go
            }
        }

        return last.Count > 0 ? last : throw new IOException($"process {_memory.Pid} has no interpreter (any more), or changes too fast to be read");
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
                seen.AddRange(ReadAll(python, before));

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
            : item.Thread with { Frames = null, Problem = "it changed whenever it was read" })];
    }

    private IEnumerable<(ulong State, ThreadStack Thread)> ReadAll(RemotePython python, ProcessTasks tasks)
    {
        var layout = python.Layout;
        var chains = new ChainReader(_memory, python, new CodeReader(_memory, python));
        var count = 0;
        for (var interpreter = _memory.ReadWord(python.Runtime + (ulong)layout.RuntimeInterpreters); interpreter != 0; interpreter = Next(interpreter, layout.InterpreterNext))
        {
            var id = (long)_memory.ReadWord(interpreter + (ulong)layout.InterpreterId);
            for (var state = _memory.ReadWord(interpreter + (ulong)layout.InterpreterThreads); state != 0; state = Next(state, layout.StateNext))
            {
                if (++count > MostThreads)
                    throw new TornReadException();

                yield return (state, Describe(python, chains, state, tasks) with { Interpreter = id });
            }
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
            return thread with { Frames = chains.Read(state) };
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
