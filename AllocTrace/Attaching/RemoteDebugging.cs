using System.Text;

namespace AllocTrace.Attaching;

/// <summary>Makes a CPython from 3.14 on run a script: PEP 768, by the offsets that it publishes about itself (_Py_DebugOffsets).</summary>
internal sealed class RemoteDebugging
{
    // Positions in _Py_DebugOffsets, the same in 3.14 and 3.15 but for the last group.
    private const ulong InterpretersHead = 40, InterpreterId = 56, InterpreterNext = 64, ThreadsMain = 80;
    private const ulong PleaseStop = 1 << 5; // _PY_EVAL_PLEASE_STOP_BIT
    private const int MostInterpreters = 1 << 16;
    private readonly TargetProcess _target;
    private readonly ulong _eval, _pending, _script;
    private readonly int _scriptSize;

    private RemoteDebugging(TargetProcess target, ulong runtime, ulong debugger)
    {
        _target = target;
        var interpreter = target.ReadWord(runtime + Offset(InterpretersHead));
        for (var hops = 0; interpreter != 0 && target.ReadWord(interpreter + Offset(InterpreterId)) != 0; hops++)
        {
            if (hops == MostInterpreters)
                throw new IOException($"process {target.Pid} has an endless list of interpreters");

            interpreter = target.ReadWord(interpreter + Offset(InterpreterNext));
        }

        var thread = interpreter == 0 ? 0 : target.ReadWord(interpreter + Offset(ThreadsMain));
        if (thread == 0)
            throw new IOException($"process {target.Pid} has no running interpreter");

        if (target.ReadInt(interpreter + Offset(debugger + 16)) != 1)
            throw new IOException($"process {target.Pid} was started with remote debugging disabled (PYTHON_DISABLE_REMOTE_DEBUG, -X disable-remote-debug, or its build)");

        var support = thread + Offset(debugger + 8);
        _eval = thread + Offset(debugger);
        _pending = support + Offset(debugger + 24);
        _script = support + Offset(debugger + 32);
        _scriptSize = (int)Offset(debugger + 40);

        ulong Offset(ulong position) => target.ReadWord(runtime + position);
    }

    /// <summary>The way into a process; <see langword="null"/>: its CPython is older, or there is none.</summary>
    public static RemoteDebugging? Find(TargetProcess target, string library)
    {
        var runtime = target.Section(library, ".PyRuntime") ?? (target.Symbols(library, "_PyRuntime").TryGetValue("_PyRuntime", out var symbol) ? symbol : null);
        if (runtime is not { } address || !target.Read(address, 8).AsSpan().SequenceEqual("xdebugpy"u8))
            return null;

        var version = target.ReadWord(address + 8) >> 16;
        return version switch
        {
            < 0x030e => null,
            0x030e => new RemoteDebugging(target, address, 712),
            0x030f => new RemoteDebugging(target, address, 840),
            _ => throw new IOException($"process {target.Pid} runs CPython {version >> 8}.{version & 0xff}, which this version of alloctrace does not support"),
        };
    }

    /// <summary>Asks for a script to be run by the main thread when it next runs Python code.</summary>
    public void Request(string script)
    {
        byte[] path = [.. Encoding.UTF8.GetBytes(script), 0];
        if (path.Length > _scriptSize)
            throw new IOException($"the path of the script is too long for CPython: {script}");

        if (_target.ReadInt(_pending) != 0)
            throw new IOException($"another program is attaching to process {_target.Pid}");

        _target.Write(_script, path);
        _target.Write(_pending, BitConverter.GetBytes(1));
        _target.Write(_eval, BitConverter.GetBytes(_target.ReadWord(_eval) | PleaseStop));
    }

    /// <summary>Takes the request back.</summary>
    /// <returns><see langword="false"/>: the script runs, or has run.</returns>
    public bool Withdraw()
    {
        if (_target.ReadInt(_pending) == 0)
            return false;

        _target.Write(_pending, BitConverter.GetBytes(0));
        return true;
    }
}
