namespace AllocTrace.Stacks;

/// <summary>Thrown when an unwind table or an expression of it cannot be understood: the stack ends there.</summary>
internal sealed class DamagedTableException : Exception;
