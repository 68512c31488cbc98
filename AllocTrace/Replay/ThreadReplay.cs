using System.Runtime.InteropServices;

using AllocTrace.Journal;
using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>One thread of the traced process, as its records describe it. A reused slot is another thread.</summary>
internal sealed unsafe class ThreadReplay
{
    /// <summary>Losses that are nearer to each other than this become one, so that a long shortage does not fill memory.</summary>
    private const long LossGapNs = 1_000_000_000;

    private readonly PendingRealloc[] _reallocs = new PendingRealloc[WireFormat.Domains];
    private readonly List<Loss> _losses = [];

    /// <param name="index">Its number in the process, from 0.</param>
    /// <param name="osId">The system's number for it.</param>
    /// <param name="startedNs">Nanoseconds since the recording began.</param>
    /// <param name="temporaryThreshold">See <see cref="RecentAllocations"/>.</param>
    public ThreadReplay(int index, uint osId, long startedNs, int temporaryThreshold)
    {
        Index = index;
        OsId = osId;
        StartedNs = startedNs;
        Recent = new RecentAllocations(temporaryThreshold);
        Domains = (ThreadDomain*)NativeMemory.AllocZeroed(WireFormat.Domains, (nuint)sizeof(ThreadDomain));
    }

    ~ThreadReplay() => FreeDomains();

    /// <summary>Returns a thread that stands for one of a parent process, from which blocks were inherited.</summary>
    public static ThreadReplay StandIn(int index, ThreadReplay origin, int temporaryThreshold)
    {
        var thread = new ThreadReplay(index, origin.OsId, startedNs: 0, temporaryThreshold) { Origin = origin };
        thread.End(endedNs: 0, lostEvents: 0);
        return thread;
    }

    public int Index { get; }

    public uint OsId { get; }

    /// <summary>The thread of a parent process that this one stands for: blocks were inherited from it.</summary>
    public ThreadReplay? Origin { get; init; }

    /// <summary>The name that the thread has in Python, where it was read.</summary>
    public string? PythonName { get; set; }

    /// <summary>Its name: in Python, or else the system's.</summary>
    public string Name
    {
        get => Origin?.Name ?? PythonName ?? field;
        set;
    } = "";

    public long StartedNs { get; }

    /// <summary><see langword="null"/> when it lived to the end.</summary>
    public long? EndedNs { get; set; }

    public RecentAllocations Recent { get; }

    /// <summary>
    /// The number of allocations of the thread between that of the block which ends next and its end, if allocations are sampled. The
    /// highest number if another thread allocated the block.
    /// </summary>
    public ulong Age { get; set; } = ulong.MaxValue;

    /// <summary>The span of the block that the thread allocates next, if allocations are sampled.</summary>
    public SpanContext Span { get; set; }

    /// <summary>The pieces that the thread unmapped last, in case the call fails or is a part of moving them.</summary>
    public List<MappedPiece> Unmapped { get; } = [];

    /// <summary>By domain; native memory of this object, null when the thread has ended.</summary>
    public ThreadDomain* Domains { get; private set; }

    /// <summary>The number of lost events by LOST records.</summary>
    public long LostEvents { get; private set; }

    public IReadOnlyList<Loss> Losses => _losses;

    /// <summary>The reallocation that is under way in a domain.</summary>
    public ref PendingRealloc Realloc(uint domain) => ref _reallocs[domain];

    public void AddLoss(long events, long firstNs, long lastNs)
    {
        LostEvents += events;
        if (_losses is [.., var last] && firstNs - last.LastNs < LossGapNs)
            _losses[^1] = last with { Events = last.Events + events, LastNs = Math.Max(lastNs, last.LastNs!.Value) };
        else
            _losses.Add(new Loss(LossReason.SlabsFull, events, firstNs, lastNs));
    }

    /// <summary>Ends the thread, and frees the memory that only further records would need.</summary>
    /// <param name="endedNs">The time, in nanoseconds since the recording began.</param>
    /// <param name="lostEvents">The number of all events that it lost; those without a record are noted now.</param>
    public void End(long? endedNs, long lostEvents)
    {
        EndedNs = endedNs;
        if (lostEvents > LostEvents)
        {
            _losses.Add(new Loss(LossReason.SlabsFull, lostEvents - LostEvents, null, null));
            LostEvents = lostEvents;
        }

        FreeDomains();
        GC.SuppressFinalize(this);
    }

    public void Save(BinaryWriter writer)
    {
        writer.Write(Domains == null);
        writer.Write(OsId);
        writer.Write(Name);
        writer.WriteAll([StartedNs, EndedNs ?? -1, LostEvents, unchecked((long)Age)]);
        writer.WriteAll<SpanContext>([Span]);
        writer.WriteAll<PendingRealloc>(_reallocs);
        writer.WriteAll<(ulong, ulong, ulong)>([.. Unmapped.Select(piece => (piece.Begin, piece.End, (ulong)piece.Mapping.Site))]);
        Recent.Save(writer);
        writer.Write(_losses.Count);
        foreach (var loss in _losses)
        {
            writer.Write(loss.Reason.Word());
            writer.WriteAll([loss.Events, loss.FirstNs ?? -1, loss.LastNs ?? -1]);
        }
    }

    /// <exception cref="EndOfStreamException">It is not what was written.</exception>
    public static ThreadReplay Load(BinaryReader reader, int index, int temporaryThreshold)
    {
        var isOver = reader.ReadBoolean();
        var (osId, name) = (reader.ReadUInt32(), reader.ReadString());
        if (reader.ReadAll<long>() is not [var started, var ended, var lost, var age])
            throw new EndOfStreamException();

        var thread = new ThreadReplay(index, osId, started, temporaryThreshold) { Name = name, Age = unchecked((ulong)age) };
        thread.Span = reader.ReadAll<SpanContext>() is [var span] ? span : throw new EndOfStreamException();
        var reallocs = reader.ReadAll<PendingRealloc>();
        var unmapped = reader.ReadAll<(ulong Begin, ulong End, ulong Site)>();
        if (reallocs.Length != WireFormat.Domains || Array.Exists(unmapped, piece => piece.End <= piece.Begin || piece.Site is 0 or > uint.MaxValue) || !thread.Recent.TryLoad(reader))
            throw new EndOfStreamException();

        reallocs.CopyTo(thread._reallocs, 0);
        thread.Unmapped.AddRange(unmapped.Select(piece => new MappedPiece(piece.Begin, piece.End, new Mapping((uint)piece.Site))));
        var losses = reader.ReadCount(least: 1);
        for (var i = 0; i < losses; i++)
        {
            var reason = StoredWords.LossReason(reader.ReadString());
            if (reader.ReadAll<long>() is not [var events, var first, var last])
                throw new EndOfStreamException();

            thread._losses.Add(new Loss(reason, events, first < 0 ? null : first, last < 0 ? null : last));
        }

        thread.LostEvents = lost;
        if (isOver)
            thread.End(ended < 0 ? null : ended, lost);

        return thread;
    }

    private void FreeDomains()
    {
        if (Domains == null)
            return;

        for (var domain = 0; domain < WireFormat.Domains; domain++)
            Domains[domain].Sites.Free();

        NativeMemory.Free(Domains);
        Domains = null;
    }
}
