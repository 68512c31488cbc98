using System.Runtime.InteropServices;

using AllocTrace.Replay;
using AllocTrace.Wire;

namespace AllocTrace.Storage;

/// <summary>
/// A process that is followed for as long as it lives: the sums of its sites, and which of them were committed. The difference is a period. Used by one
/// thread at a time.
/// </summary>
internal sealed unsafe class FollowedProcess
{
    private readonly Dictionary<FollowedSiteKey, int> _numbers = [];
    private readonly List<int> _numberOfReplayed = [];
    private readonly List<FollowedSite> _sites = [];
    private readonly IReadOnlyDictionary<FollowedSiteKey, SiteTotals> _before;
    private readonly Dictionary<int, string> _domains = new() { [0] = "raw", [1] = "mem", [2] = "obj" };
    private SessionStacks? _stacks;
    private bool _isResumed;

    /// <param name="description">The description of the process.</param>
    /// <param name="id">Its number in the state of the rolling database.</param>
    /// <param name="untilNs">Until when its periods were committed, nanoseconds since 1970.</param>
    /// <param name="before">The data that an earlier agent committed.</param>
    /// <param name="spans">The spans of its samples.</param>
    public FollowedProcess(ProcessDescription description, long id, long untilNs, IReadOnlyDictionary<FollowedSiteKey, SiteTotals> before, FollowedSpans spans)
    {
        Spans = spans;
        Description = description;
        Id = id;
        UntilNs = untilNs;
        _before = before;
        _isResumed = before.Count > 0;
    }

    public ProcessDescription Description { get; }

    public long Id { get; }

    /// <summary>The end of its last committed period.</summary>
    public long UntilNs { get; private set; }

    /// <summary>The way in which the recording ended; <see cref="ProcessEnding.Running"/> until then.</summary>
    public ProcessEnding Ending { get; set; } = ProcessEnding.Running;

    /// <summary>The row in the current database; 0 if it has none yet.</summary>
    public long Row { get; set; }

    /// <summary>The row of the live blocks at the end of the last period.</summary>
    public long SnapshotRow { get; set; }

    /// <summary>The row of the period's end with most live bytes, in the current database.</summary>
    public long PeakRow { get; set; }

    /// <summary>The live bytes at the peak; negative until there is a period.</summary>
    public long PeakBytes { get; set; } = -1;

    /// <summary>The rows of its interpreters in the table of threads.</summary>
    public Dictionary<uint, long> ThreadRows { get; } = [];

    /// <summary>The resident memory in bytes, as the system counted it last; <see langword="null"/> if unknown.</summary>
    public long? ResidentBytes { get; set; }

    public long UnknownFrees { get; private set; }

    public long CutStacks { get; private set; }

    /// <summary>The losses so far.</summary>
    public IReadOnlyList<Loss> Losses { get; private set; } = [];

    /// <summary>True if sums of a collector before are gone: the periods begin anew.</summary>
    public bool HasRestarted { get; private set; }

    /// <summary>The spans for which it allocated.</summary>
    public FollowedSpans Spans { get; }

    /// <summary>Its sites.</summary>
    public Span<FollowedSite> Sites => CollectionsMarshal.AsSpan(_sites);

    /// <summary>Returns the name of a domain of records that some site has.</summary>
    public string DomainName(int domain) => _domains[domain];

    /// <summary>Returns whether the stacks of some of its sites are in a session.</summary>
    public bool Needs(string session) => _sites.Exists(site => site.Key.Origin == session);

    /// <summary>Takes the sums that a replay has reached.</summary>
    /// <exception cref="InvalidTraceException">The session is damaged.</exception>
    public void Take(SessionFile session, ProcessReplay replay, IReadOnlyList<Loss> losses, FrameTrie frames)
    {
        _stacks ??= new SessionStacks(frames);
        AddSites(session, replay, frames);
        foreach (ref var site in Sites)
            site.Latest = default;

        var sites = Sites;
        for (var replayed = 1u; replayed < replay.Sites.End; replayed++)
        {
            if (_numberOfReplayed[(int)replayed - 1] is >= 0 and var number)
                sites[number].Latest += SiteTotals.Of(replay.Sites.Counters[replayed]);
        }

        foreach (ref var site in sites)
        {
            if (!_domains.ContainsKey(site.Key.Domain))
                _domains.Add(site.Key.Domain, ProcessWriter.NameOf(session.Header, site.Key.Domain));
        }

        if (_isResumed)
            CheckBefore();

        _isResumed = false;
        Spans.Take(replay.Blocks.Clock.Spans, _numberOfReplayed, (long)session.Header->UnreadContexts);
        UnknownFrees = replay.UnknownFrees;
        CutStacks = (long)session.Header->CutStacks;
        Losses = [.. losses, .. replay.Threads.SelectMany(thread => thread.Losses)];
    }

    /// <summary>The period up to now is in the current transaction. More may be taken before that is committed.</summary>
    public void NoteWritten()
    {
        foreach (ref var site in Sites)
            site.Written = site.Latest;

        Spans.NoteWritten();
    }

    /// <summary>The period up to a moment is in the database.</summary>
    public void Commit(long untilNs)
    {
        foreach (ref var site in Sites)
            site.Committed = site.Row == 0 && site.Written == default ? site.Committed : site.Written;

        Spans.Commit();
        UntilNs = untilNs;
        HasRestarted = false;
    }

    /// <summary>Forgets the rows of this process, because a new database begins.</summary>
    public void ForgetRows()
    {
        (Row, SnapshotRow, PeakRow, PeakBytes) = (0, 0, 0, -1);
        ThreadRows.Clear();
        foreach (ref var site in Sites)
            site.Row = 0;
    }

    /// <summary>The stacks are in another trie from now on.</summary>
    public void Move(FrameTrie from, FrameTrie to, Dictionary<int, int> known)
    {
        _stacks = null;
        foreach (ref var site in Sites)
            site.Stack = to.Import(from, site.Stack, known);
    }

    private void AddSites(SessionFile session, ProcessReplay replay, FrameTrie frames)
    {
        SessionFile? origin = null;
        SessionStacks? ofOrigin = null;
        try
        {
            for (var replayed = (uint)_numberOfReplayed.Count + 1; replayed < replay.Sites.End; replayed++)
            {
                if (replayed > replay.Inherited.Length)
                {
                    _numberOfReplayed.Add(NumberOf(new("", replay.Sites.Counters[replayed].Domain, replay.Sites.History[replayed].Stack), session, _stacks!, frames));
                    continue;
                }

                var inherited = replay.Inherited[replayed - 1];
                if (origin?.Path != inherited.SessionPath)
                {
                    origin?.Dispose();
                    (origin, ofOrigin) = (TryOpen(inherited.SessionPath), new SessionStacks(frames));
                }

                _numberOfReplayed.Add(inherited.Blocks == 0 ? -1 : NumberOf(new(inherited.SessionPath, inherited.Domain, inherited.Stack), origin, ofOrigin!, frames, new(inherited.Bytes, inherited.Blocks)));
            }
        }
        finally
        {
            origin?.Dispose();
        }
    }

    private int NumberOf(FollowedSiteKey key, SessionFile? session, SessionStacks stacks, FrameTrie frames, MemoryAmount inherited = default)
    {
        ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbers, key, out var isKnown);
        if (!isKnown)
        {
            number = _sites.Count;
            _sites.Add(new FollowedSite
            {
                Key = key,
                Stack = session is null ? frames.NotKept : stacks.StackOf(session, key.Node), // the parent's session is gone: its names are lost
                Interpreter = session?.InterpreterOf(key.Node) ?? 0,
                Expression = session?.ExpressionOf(key.Node) ?? 0,
                Committed = _before.GetValueOrDefault(key),
            });
        }

        if (inherited.Blocks > 0 && !_before.ContainsKey(key))
            Sites[number].Committed += new SiteTotals(inherited, default, default);

        return number;
    }

    /// <summary>A collector that is not known took records out of the session: what it had cannot be subtracted.</summary>
    private void CheckBefore()
    {
        foreach (ref var site in Sites)
        {
            if (!site.Latest.IsBelow(site.Committed))
                continue;

            HasRestarted = true;
            site.Committed = site.Latest;
        }
    }

    private static SessionFile? TryOpen(string path)
    {
        try
        {
            return SessionFile.TryOpen(path, shared: false);
        }
        catch (Exception e) when (e is IOException or InvalidTraceException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
