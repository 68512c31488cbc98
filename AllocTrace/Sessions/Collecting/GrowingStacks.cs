using AllocTrace.Replay;
using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>The stacks of a session that grows, as far as they are written. Those with C frames are not: they get their names at the end.</summary>
/// <param name="session">The session.</param>
/// <param name="replay">Its replay, which has the sites.</param>
internal sealed unsafe class GrowingStacks(SessionFile session, ProcessReplay replay)
{
    /// <summary>The sites whose stacks are written in a millisecond or two. Fewer than the least are left for the next time.</summary>
    private const uint SomeSites = 2048, LeastSites = 256;

    private uint _end = 1;

    /// <summary>Writes the stacks of the next sites, unless there are few.</summary>
    /// <param name="write">Writes the stacks of nodes.</param>
    /// <param name="shares">The time that there is for it, as a number of parts of some two thousand sites.</param>
    public void Write(Action<SessionFile, IEnumerable<uint>> write, uint shares = 1)
    {
        var first = Math.Max(_end, (uint)replay.Inherited.Length + 1);
        if (session.CFrameCount > 0 || replay.Sites.End < first + LeastSites)
            return;

        _end = Math.Min(replay.Sites.End, first + shares * SomeSites);
        try
        {
            write(session, Nodes(first, _end));
        }
        catch (InvalidTraceException)
        {
            // The session is read as far as possible nevertheless. The end meets the damage again, and tells of it.
        }
    }

    private IEnumerable<uint> Nodes(uint first, uint end)
    {
        for (var site = first; site < end; site++)
            yield return StackOf(site);
    }

    private uint StackOf(uint site) => replay.Sites.History[site].Stack;
}
