namespace AllocTrace.Storage;

/// <summary>Identifies a stack in a database: the innermost frame and the stack of its caller.</summary>
internal readonly record struct StackKey(long Caller, long Code, uint Line);
