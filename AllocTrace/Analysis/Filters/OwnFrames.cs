using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Finds the user's own code on stacks (<see cref="CodeOrigin.Own"/>).</summary>
internal static class OwnFrames
{
    /// <summary>Returns for each stack the innermost part of it that ends in a frame of the user's own code, or 0 if it has none.</summary>
    public static int[] InnermostOf(StackTable stacks)
    {
        var origins = CodeOrigins.Of(stacks.Codes);
        var innermost = new int[stacks.Count];
        for (var stack = 1; stack < innermost.Length; stack++)
        {
            var code = stacks.Code[stack];
            var isOwn = code != stacks.Codes.NotKept && origins[code] == CodeOrigin.Own;
            innermost[stack] = isOwn ? stack : innermost[stacks.Caller[stack]];
        }

        return innermost;
    }
}
