namespace AllocTrace.Symbols;

/// <summary>The known data of the function at an address.</summary>
/// <param name="Start">The first address of the function, as its file counts addresses; the address itself if that is unknown.</param>
/// <param name="Name">The symbol; <see langword="null"/> if it has none, or the symbols were stripped.</param>
internal readonly record struct FunctionName(ulong Start, string? Name);
