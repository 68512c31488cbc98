using AllocTrace.Journal;
using AllocTrace.Wire;

namespace AllocTrace.Replay;

// The whole state of a replay, for a checkpoint: another collector continues from it.
internal sealed unsafe partial class ProcessReplay
{
    /// <summary>Writes the state.</summary>
    public void Save(BinaryWriter writer)
    {
        writer.WriteAll<long>([_liveBytes, _liveBlocks, _highestBytes, _peakBytes, _peakAtNs, (long)_epoch, (long)_moment, _finalizing ? 1 : 0, (long)_lastFork, NowNs, UnknownFrees]);
        writer.WriteAll<OperationTotals>(_operations);
        writer.Write(_threads.Count);
        foreach (var thread in _threads)
            thread.Save(writer);

        writer.Write(Inherited.Length);
        foreach (ref readonly var site in Inherited.AsSpan())
        {
            writer.Write(site.Domain);
            writer.Write(site.SessionPath);
            writer.WriteAll([site.Stack, (ulong)site.Bytes, (ulong)site.Blocks]);
        }

        Sites.Save(writer);
        for (var domain = 0; domain < WireFormat.Domains; domain++)
        {
            var isOwn = _tables[domain] is not null && (domain == 0 || !WireFormat.IsHeap(domain));
            writer.Write(isOwn);
            if (isOwn)
                _tables[domain]!.Save(writer);
        }

        _mappings.Save(writer);

        Timeline.Save(writer);
        _sliceLog.Save(writer);
        writer.Write(_snapshots.Count);
        foreach (var snapshot in _snapshots)
        {
            writer.Write(snapshot.Kind.Word());
            writer.Write(snapshot.Name);
            writer.Write(snapshot.AtNs);
            writer.WriteAll<SiteAmount>(snapshot.Sites);
        }
    }

    /// <summary>Takes a state over, before anything was replayed.</summary>
    /// <exception cref="EndOfStreamException">The file is shorter than what it announces.</exception>
    /// <exception cref="InvalidTraceException">What it says cannot be.</exception>
    public void Load(BinaryReader reader)
    {
        if (reader.ReadAll<long>() is not [var liveBytes, var liveBlocks, var highestBytes, var peakBytes, var peakAtNs, var epoch, var moment, var finalizing, var lastFork, var now, var unknown])
            throw Impossible();

        (_liveBytes, _liveBlocks, _highestBytes, _peakBytes, _peakAtNs) = (liveBytes, liveBlocks, highestBytes, peakBytes, peakAtNs);
        (_epoch, _moment, _finalizing, NowNs, UnknownFrees) = ((ulong)epoch, (ulong)moment, finalizing != 0, now, unknown);
        Volatile.Write(ref _lastFork, (ulong)lastFork);
        var operations = reader.ReadAll<OperationTotals>();
        if (operations.Length != _operations.Length)
            throw Impossible();

        operations.CopyTo(_operations, 0);
        var threads = reader.ReadCount(least: 1);
        for (var i = 0; i < threads; i++)
            _threads.Add(ThreadReplay.Load(reader, i, _temporaryThreshold));

        var inherited = new (int Domain, string Path, ulong[] Counts)[reader.ReadCount(least: 1)];
        for (var i = 0; i < inherited.Length; i++)
            inherited[i] = (reader.ReadInt32(), reader.ReadString(), reader.ReadAll<ulong>());

        Sites.Load(reader);
        _counters = Sites.Counters;
        Inherited = [.. inherited.Select(Inherit)];
        LoadTables(reader);
        ConnectSites();
        if (!AddsUp() || !Timeline.TryLoad(reader) || !_sliceLog.TryLoad(reader, Sites.End))
            throw Impossible();

        var snapshots = reader.ReadCount(least: 1);
        for (var i = 0; i < snapshots; i++)
            _snapshots.Add(new SnapshotImage(StoredWords.SnapshotKind(reader.ReadString()), reader.ReadString(), reader.ReadInt64(), reader.ReadAll<SiteAmount>()));

        if (_snapshots.Any(snapshot => snapshot.Sites.Any(site => site.Site == 0 || site.Site >= Sites.End)))
            throw Impossible();
    }

    private InvalidTraceException Impossible() => CheckpointFile.Damaged(_session, "its data of the replay is impossible");

    /// <summary>The process of the thread has its own replay, or had: here the thread stands for itself.</summary>
    private InheritedSite Inherit((int Domain, string Path, ulong[] Counts) site, int index)
    {
        if (index + 1 >= Sites.End || site.Counts.Length != 3 || Sites.Counters[index + 1].Thread >= _threads.Count)
            throw Impossible();

        return new InheritedSite(_threads[Sites.Counters[index + 1].Thread], site.Domain, site.Path, (uint)site.Counts[0], (long)site.Counts[1], (long)site.Counts[2]);
    }

    private void LoadTables(BinaryReader reader)
    {
        for (var domain = 0; domain < WireFormat.Domains; domain++)
        {
            if (!reader.ReadBoolean())
                continue;

            if (domain > 0 && WireFormat.IsHeap(domain))
                throw Impossible();

            var table = _tables[domain] ??= new AddressTable();
            if (!table.TryLoad(reader, Sites.End))
                throw Impossible();
        }

        if (!_mappings.TryLoad(reader, Sites.End))
            throw Impossible();
    }

    /// <summary>Gives each thread that continues its sites and tables.</summary>
    private void ConnectSites()
    {
        foreach (var thread in _threads.Where(thread => thread.Domains != null))
            Connect(thread);

        for (var site = 1u; site < Sites.End; site++)
        {
            var counters = Sites.Counters + site;
            var stack = Sites.History[site].Stack;
            if (counters->Thread < 0 || counters->Thread >= _threads.Count || counters->Domain is < 0 or >= WireFormat.Domains)
                throw Impossible();

            var thread = _threads[counters->Thread];
            if (thread.Domains == null)
                continue;

            if (stack >= WireFormat.FirstNode && stack >= _session.NodeCount)
                throw Impossible();

            thread.Domains[counters->Domain].Sites.Add(stack, site);
        }
    }
}
