using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Tells what runs because a module is imported: its code, and all that it calls, usually runs once.</summary>
internal static class ImportFrames
{
    /// <summary>For each stack whether the import system is on it.</summary>
    public static bool[] Below(StackTable stacks)
    {
        var isImport = new bool[stacks.Codes.Count];
        for (var code = 0; code < isImport.Length; code++)
        {
            var file = stacks.Codes.Text(stacks.Codes[code].Filename);
            isImport[code] = file.StartsWith("<frozen importlib", StringComparison.Ordinal)
                || file.EndsWith("/importlib/_bootstrap.py", StringComparison.Ordinal) || file.EndsWith("/importlib/_bootstrap_external.py", StringComparison.Ordinal);
        }

        var below = new bool[stacks.Count];
        for (var stack = 1; stack < below.Length; stack++)
            below[stack] = below[stacks.Caller[stack]] || isImport[stacks.Code[stack]];

        return below;
    }
}
