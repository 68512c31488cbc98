namespace AllocTrace.Storage;

/// <summary>The place of a site.</summary>
/// <param name="Stack">Number in the table <c>stack</c>.</param>
/// <param name="Interpreter">CPython's number for the interpreter.</param>
/// <param name="Expression">The expression of the innermost line, packed; 0 if unknown.</param>
internal readonly record struct SitePlace(long Stack, uint Interpreter, uint Expression);
