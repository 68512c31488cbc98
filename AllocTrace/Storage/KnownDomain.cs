using System.Globalization;

namespace AllocTrace.Storage;

/// <summary>Names of domains that have a number in tracemalloc, and the numbers of those that have none there.</summary>
internal static class KnownDomain
{
    public const string Malloc = "malloc";
    public const string Mmap = "mmap";

    /// <summary>
    /// numpy: NPY_TRACE_DOMAIN of numpy/core/include/numpy/ndarraytypes.h. pandas: KHASH_TRACE_DOMAIN of
    /// pandas/_libs/include/pandas/vendored/klib/khash_python.h. Of the C heap and of mappings: AllocTrace's own choice.
    /// </summary>
    private static readonly (string Name, long Number)[] _known = [("numpy", 389047), ("pandas", 424242), (Malloc, 0x6D616C6C), (Mmap, 0x6D6D6170)];

    /// <summary>The name of a domain that has the number; the number itself when it has none.</summary>
    public static string NameOf(long number) =>
        Array.Find(_known, domain => domain.Number == number).Name ?? number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The name of a domain by its name or its number: recordings of earlier versions have numbers for all.</summary>
    public static string NameOf(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? NameOf(number) : text;

    /// <summary>The number of a domain in tracemalloc, which has one for all of CPython's own: 0.</summary>
    public static long NumberOf(string name) =>
        long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : Array.Find(_known, domain => domain.Name == name).Number;

    /// <summary>SQL for the name of a domain whose name or number is in a column.</summary>
    public static string NameSql(string column) =>
        $"CASE {column} {string.Concat(_known.Select(domain => $"WHEN '{domain.Number}' THEN '{domain.Name}' "))}ELSE {column} END";
}
