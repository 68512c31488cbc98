namespace AllocTrace.Wire;

/// <summary>The state of the copy of a traced process (<c>enum alloctrace_copy_state</c>).</summary>
internal enum CopyState : uint
{
    None = 0,

    /// <summary>There is one. A <see cref="MarkKind.Copy"/> follows in the records.</summary>
    Made = 1,

    /// <summary>There can be none: <see cref="SessionHeader.CopyError"/>.</summary>
    Refused = 2,

    /// <summary>Stored by the collector, which does not need it any longer.</summary>
    Released = 3,

    /// <summary>A thread is making or reaping it.</summary>
    Busy = 4,
}
