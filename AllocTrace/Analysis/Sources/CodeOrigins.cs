using System.Text.RegularExpressions;

using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Determines the owner of a file's code from the file's name. The page and <c>--mine</c> use this rule.</summary>
internal static partial class CodeOrigins
{
    /// <param name="filename">
    /// The file, as the code object names it (<c>co_filename</c>). Code without a file (<c>&lt;string&gt;</c>, <c>&lt;stdin&gt;</c>) is the
    /// user's.
    /// </param>
    public static CodeOrigin Of(string filename)
    {
        if (Packages().IsMatch(filename))
            return CodeOrigin.Package;
        if (ImportSystem().IsMatch(filename))
            return CodeOrigin.Import;

        return StandardLibrary().IsMatch(filename) ? CodeOrigin.Library : CodeOrigin.Own;
    }

    /// <summary>Returns the origin of each code, by its index.</summary>
    public static CodeOrigin[] Of(CodeTable codes)
    {
        var ofFile = new CodeOrigin?[codes.TextCount]; // many codes are in one file
        var origins = new CodeOrigin[codes.Count];
        for (var code = 0; code < origins.Length; code++)
        {
            var file = codes[code].Filename;
            origins[code] = codes[code].IsNative ? CodeOrigin.Native : ofFile[file] ??= Of(codes.Text(file));
        }

        return origins;
    }

    // The folders of pip's and Debian's packages, and the names that numpy and attrs give to the code that they generate.
    [GeneratedRegex(@"/(site|dist)-packages/|^<__array_function__|^<attrs generated")]
    private static partial Regex Packages();

    // Frozen, or run from its files by a debug build.
    [GeneratedRegex(@"^<frozen importlib|/importlib/(_bootstrap(_external)?|__init__)\.py$")]
    private static partial Regex ImportSystem();

    // lib/python3.13t/…, lib64/python3.9/…, lib/pypy3.10/…, and the archive of an embedded CPython: python313.zip/…
    [GeneratedRegex(@"^<frozen |(^|/)lib(32|64)?/(python|pypy)\d+(\.\d+)?t?/|(^|/)python3\d+t?\.zip/")]
    private static partial Regex StandardLibrary();
}
