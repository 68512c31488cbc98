namespace AllocTrace.Symbols;

/// <summary>What is known of the function that has an address.</summary>
/// <param name="Start">Where it begins, as its file counts addresses; the address itself when even that is not known.</param>
/// <param name="Name">Its symbol; <see langword="null"/>: it has none, or the symbols were stripped.</param>
internal readonly record struct FunctionName(ulong Start, string? Name);
