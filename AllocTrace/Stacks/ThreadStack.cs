namespace AllocTrace.Stacks;

/// <summary>What a thread was doing.</summary>
public sealed record ThreadStack
{
    /// <summary>The system's id of the thread; 0: not known.</summary>
    public uint Id { get; init; }

    /// <summary>The system's name of the thread.</summary>
    public string Name { get; init; } = "";

    /// <summary>What <c>threading.get_ident()</c> says in it.</summary>
    public ulong Identifier { get; init; }

    /// <summary>The id of the interpreter whose code it runs; 0 is the main one.</summary>
    public long Interpreter { get; init; }

    /// <summary>The version of the CPython that it belongs to, as 3.13 or 3.13t.</summary>
    public string Python { get; init; } = "";

    /// <summary>Whether it ran when it was looked at; otherwise it waited.</summary>
    public bool IsRunning { get; init; }

    /// <summary>Oldest first; empty: no Python code. <see langword="null"/>: it changed whenever it was read, see <see cref="Problem"/>.</summary>
    public IReadOnlyList<StackFrame>? Frames { get; init; }

    /// <summary>Why there are no frames, or not all.</summary>
    public string? Problem { get; init; }
}
