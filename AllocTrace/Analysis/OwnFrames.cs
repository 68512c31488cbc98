using System.Text.RegularExpressions;
using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Tells the user's own code from the standard library, installed packages and frozen modules, by the names of files.</summary>
internal static partial class OwnFrames
{
    /// <summary>For each stack the innermost part of it that ends in a frame of the user's own code; 0: it has none.</summary>
    public static int[] InnermostOf(StackTable stacks)
    {
        var isOwn = new bool[stacks.Codes.Count];
        for (var code = 0; code < isOwn.Length; code++)
            isOwn[code] = code != stacks.Codes.NotKept && IsOwn(stacks.Codes.Text(stacks.Codes[code].Filename));

        var innermost = new int[stacks.Count];
        for (var stack = 1; stack < innermost.Length; stack++)
            innermost[stack] = isOwn[stacks.Code[stack]] ? stack : innermost[stacks.Caller[stack]];

        return innermost;
    }

    /// <summary>Whether a file is the user's own. Code without a file (<c>&lt;string&gt;</c>, <c>&lt;stdin&gt;</c>) is.</summary>
    public static bool IsOwn(string filename) => !Others().IsMatch(filename);

    // Where CPython, its distributors and pip put files: lib/python3.X (lib64, python3.Xt without the GIL, python3 on Debian), and an archive of the library.
    [GeneratedRegex(@"^<frozen |^<__array_function__|^<attrs generated|/lib(64|32)?/(python|pypy)3(\.\d+)?t?/|/(site|dist)-packages/|/python3\d+\.zip/")]
    private static partial Regex Others();
}
