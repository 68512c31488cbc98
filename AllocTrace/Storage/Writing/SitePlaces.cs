using AllocTrace.Replay;
using AllocTrace.Wire;

namespace AllocTrace.Storage;

/// <summary>Finds the places of a process's sites, and writes their stacks.</summary>
/// <param name="stacks">Writes the stacks; not owned.</param>
internal sealed unsafe class SitePlaces(StackWriter stacks)
{
    /// <summary>Returns the place of each site. Those of inherited sites are in the sessions of the processes that allocated.</summary>
    /// <exception cref="InvalidTraceException">The stacks of a session are damaged.</exception>
    public SitePlace[] Of(SessionFile session, ProcessReplay replay)
    {
        var result = new SitePlace[replay.Sites.End];
        Add(session, replay, ProcessWriter.SitesOf(replay).SkipWhile(site => site <= replay.Inherited.Length), result);
        foreach (var sites in ProcessWriter.SitesOf(replay).TakeWhile(site => site <= replay.Inherited.Length).GroupBy(site => replay.Inherited[site - 1].SessionPath))
        {
            using var origin = SessionFile.TryOpen(sites.Key, shared: false);
            if (origin is null)
                continue;

            Add(origin, replay, sites, result);
            stacks.Forget(origin);
        }

        return result;
    }

    private void Add(SessionFile session, ProcessReplay replay, IEnumerable<uint> sites, SitePlace[] result)
    {
        var nodes = stacks.Add(session, sites.Select(site => StackOf(replay, site)));
        foreach (var site in sites)
        {
            var node = StackOf(replay, site);
            result[site] = new SitePlace(nodes[node], session.InterpreterOf(node), session.ExpressionOf(node));
        }
    }

    private static uint StackOf(ProcessReplay replay, uint site) => replay.Sites.History[site].Stack;
}
