using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Finds what runs because a module is imported: its code, and all that it calls, usually runs once.</summary>
internal static class ImportFrames
{
    /// <summary>Returns for each stack whether the import system (<see cref="CodeOrigin.Import"/>) is on it.</summary>
    public static bool[] Below(StackTable stacks)
    {
        var origins = CodeOrigins.Of(stacks.Codes);
        var below = new bool[stacks.Count];
        for (var stack = 1; stack < below.Length; stack++)
            below[stack] = below[stacks.Caller[stack]] || origins[stacks.Code[stack]] == CodeOrigin.Import;

        return below;
    }
}
