using AllocTrace.Objects;
using AllocTrace.Replay;
using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>Finds the lines of sites in a session that continues.</summary>
/// <param name="session">Not owned.</param>
/// <param name="replay">The replay of the same session; not owned.</param>
internal sealed unsafe class SiteLines(SessionFile session, ProcessReplay replay)
{
    private static readonly SnapshotSite _none = new("", "", 0);

    /// <summary>Returns the innermost line of each site of a snapshot. Sites that a fork inherited are in another session, and have none.</summary>
    /// <exception cref="InvalidTraceException">The session's stacks or strings are damaged.</exception>
    public Dictionary<int, SnapshotSite> Of(SnapshotImage snapshot)
    {
        var lines = new Dictionary<int, SnapshotSite>();
        var texts = new Dictionary<uint, string>();
        foreach (var (site, _, _) in snapshot.Sites)
            lines.Add((int)site, site <= replay.Inherited.Length ? _none : LineOf(replay.Sites.History[site].Stack));

        return lines;

        SnapshotSite LineOf(uint node)
        {
            if (node >= WireFormat.FirstNode && Node(node)->Code == WireFormat.ExpressionCode)
                node = Node(node)->Parent;

            if (node < WireFormat.FirstNode || Node(node)->Code >= session.CodeCount)
                return _none; // no Python frame, or a sub-interpreter's root

            var code = session.Code(Node(node)->Code);
            return new SnapshotSite(Text(code->Qualname), Text(code->Filename), (int)Node(node)->Line);
        }

        string Text(uint reference)
        {
            if (!texts.TryGetValue(reference, out var text))
                texts.Add(reference, text = session.String(reference));

            return text;
        }
    }

    private StackNode* Node(uint node) => node < session.NodeCount ? session.Node(node) : throw session.Damaged($"stack {node} does not exist");
}
