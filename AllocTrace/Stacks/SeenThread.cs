namespace AllocTrace.Stacks;

/// <summary>A thread state as one attempt found it.</summary>
/// <param name="State">Its address.</param>
/// <param name="Thread">The thread, with its Python frames.</param>
/// <param name="Stack">Its Python stack; <see langword="null"/> if it did not hold together.</param>
/// <param name="Loop">The address of its interpreter's loop.</param>
internal sealed record SeenThread(ulong State, ThreadStack Thread, PythonStack? Stack, ulong Loop);
