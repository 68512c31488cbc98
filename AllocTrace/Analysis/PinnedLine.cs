using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>A line whose live blocks keep more memory resident than their own size.</summary>
/// <param name="Bytes">The memory that is kept, in bytes, including the blocks themselves.</param>
/// <param name="LiveBytes">The blocks alone, in bytes.</param>
/// <param name="Traceback">The stack whose blocks keep most, of the stacks that end at the line.</param>
public sealed record PinnedLine(long Bytes, long LiveBytes, Traceback Traceback)
{
    /// <summary>Sums up an account by line.</summary>
    /// <param name="database">The recording of the account, which must be open.</param>
    /// <param name="account">The account, one of <see cref="TraceDatabase.MemoryAccounts"/>.</param>
    /// <returns>The lines, the largest excess of kept memory over live bytes first.</returns>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    public static IReadOnlyList<PinnedLine> Of(TraceDatabase database, TraceMemory account)
    {
        var lines = new Dictionary<(int Code, int Line), Sum>();
        var stacks = database.Stacks;
        foreach (var hold in account.Holds)
        {
            var site = TraceDatabase.Existing(database.Path, database.Sites.IndexOf(hold.Site), hold.Site, "site");
            var stack = database.Sites.Sites[site].Stack;
            var key = stack == 0 ? (-1, 0) : (stacks.Code[stack], stacks.Line[stack]);
            var sum = lines.GetValueOrDefault(key);
            lines[key] = hold.Bytes > sum.Largest
                ? new Sum(sum.Bytes + hold.Bytes, sum.Live + hold.LiveBytes, hold.Bytes, stack)
                : sum with { Bytes = sum.Bytes + hold.Bytes, Live = sum.Live + hold.LiveBytes };
        }

        return
        [
            .. lines.Values.Select(sum => new PinnedLine(sum.Bytes, sum.Live, stacks.TracebackOf(sum.Stack)))
                .OrderByDescending(line => line.Bytes - line.LiveBytes),
        ];
    }

    private record struct Sum(long Bytes, long Live, long Largest, int Stack);
}
