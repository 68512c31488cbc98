namespace AllocTrace.Stacks;

/// <summary>
/// Thrown when a frame is found by a register that is not known, because the thread was not held: the system tells of a thread that waits only
/// where it is and where its stack is.
/// </summary>
internal sealed class UnknownRegisterException : Exception;
