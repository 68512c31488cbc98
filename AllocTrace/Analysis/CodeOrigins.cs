using System.Text.RegularExpressions;

namespace AllocTrace.Analysis;

/// <summary>Tells from a file's name whose code is in it.</summary>
internal static partial class CodeOrigins
{
    /// <param name="filename">As CPython has it (<c>co_filename</c>).</param>
    public static CodeOrigin Of(string filename)
    {
        if (ImportSystem().IsMatch(filename))
            return CodeOrigin.Import;
        if (filename.Contains("/site-packages/", StringComparison.Ordinal) || filename.Contains("/dist-packages/", StringComparison.Ordinal))
            return CodeOrigin.Package;

        return StandardLibrary().IsMatch(filename) ? CodeOrigin.Library : CodeOrigin.Own;
    }

    // Frozen, or run from its files by a debug build.
    [GeneratedRegex(@"^<frozen importlib|/importlib/(_bootstrap(_external)?|__init__)\.py$")]
    private static partial Regex ImportSystem();

    // lib/python3.13t/…, lib64/python3.9/…, lib/python313.zip/…
    [GeneratedRegex(@"^<frozen |(^|/)lib(32|64)?/(python|pypy)\d+(\.\d+)?t?(\.zip)?/")]
    private static partial Regex StandardLibrary();
}
