namespace AllocTrace.Storage;

/// <summary>Identifies a stack in a database: the innermost frame and the stack of its caller.</summary>
internal readonly record struct StackKey(int Caller, int Code, uint Line);
