namespace AllocTrace.Stacks;

/// <summary>The stack of a thread.</summary>
internal sealed record ThreadStack
{
    /// <summary>The thread id of the system; 0 if unknown.</summary>
    public uint Id { get; init; }

    /// <summary>The name of the thread, as the system has it.</summary>
    public string Name { get; init; } = "";

    /// <summary>The result of <c>threading.get_ident()</c> in the thread.</summary>
    public ulong Identifier { get; init; }

    /// <summary>CPython's id of the interpreter whose code the thread runs; 0 is the main one.</summary>
    public long Interpreter { get; init; }

    /// <summary>The version of the CPython that it belongs to, for example 3.13 or 3.13t; empty for a thread that has never run Python code.</summary>
    public string Python { get; init; } = "";

    /// <summary>True if the thread was running when it was read; otherwise it was waiting.</summary>
    public bool IsRunning { get; init; }

    /// <summary>
    /// The frames, oldest first, with C frames if they were asked for; without, empty if the thread runs no Python code. <see langword="null"/> if the stack changed during every attempt
    /// to read it; see <see cref="Problem"/>.
    /// </summary>
    public IReadOnlyList<StackFrame>? Frames { get; init; }

    /// <summary>The reason for which frames are missing; <see langword="null"/> if none are.</summary>
    public string? Problem { get; init; }

    /// <summary>The reason for which C frames are missing, or are not where they belong; <see langword="null"/> if none are.</summary>
    public string? CProblem { get; init; }
}
