using System.Text.RegularExpressions;

namespace AllocTrace.Attaching;

/// <summary>Functions of the C library, by their addresses in the process.</summary>
internal sealed partial record CLibrary(ulong Open, ulong Look, ulong Malloc, ulong Free)
{
    /// <summary>Finds them in the files that a process has mapped.</summary>
    /// <returns><see langword="null"/> if one is missing.</returns>
    public static CLibrary? Find(TargetProcess target)
    {
        var symbols = target.Files.Where(file => FileName().IsMatch(Path.GetFileName(file)))
            .SelectMany(file => target.Symbols(file, "dlopen", "dlsym", "__libc_dlopen_mode", "__libc_dlsym", "malloc", "free"))
            .DistinctBy(symbol => symbol.Key).ToDictionary();

        // Before glibc 2.34 the first two are in a library of their own, which need not be there.
        var open = symbols.GetValueOrDefault("dlopen", symbols.GetValueOrDefault("__libc_dlopen_mode"));
        var look = symbols.GetValueOrDefault("dlsym", symbols.GetValueOrDefault("__libc_dlsym"));
        return open != 0 && look != 0 && symbols.TryGetValue("malloc", out var malloc) && symbols.TryGetValue("free", out var free) ? new(open, look, malloc, free) : null;
    }

    [GeneratedRegex(@"^(lib(c|dl)[.-]|ld-musl).*")]
    private static partial Regex FileName();
}
