namespace AllocTrace.Symbols;

/// <summary>The known data of the function at an address.</summary>
/// <param name="Start">The first address of the function, as its file counts addresses; the address itself if that is unknown.</param>
/// <param name="Name">The symbol; <see langword="null"/> if it has none, or the symbols were stripped.</param>
internal readonly record struct FunctionName(ulong Start, string? Name)
{
    /// <summary>The file of code that was made at run time.</summary>
    public const string NoFile = "[made at run time]";

    /// <summary>Names the function as reports do: by its symbol, or by its file and its beginning.</summary>
    public string NameIn(string path) => Name ?? Unnamed(path, Start);

    /// <summary>Names a function that has no symbol.</summary>
    public static string Unnamed(string path, ulong start) => $"{path[(path.LastIndexOf('/') + 1)..]}+0x{start:x}";
}
