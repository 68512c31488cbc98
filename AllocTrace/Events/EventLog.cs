using AllocTrace.Journal;
using AllocTrace.Wire;

namespace AllocTrace.Events;

/// <summary>
/// Keeps every event of a process (option <c>events</c>), in the order in which they are replayed, up to the size that was asked for. What does not
/// fit is counted. Used by one thread.
/// </summary>
/// <remarks>It reads the records once more, after the replay's order is known: a recording without a log does not pay for it.</remarks>
internal sealed unsafe class EventLog : IDisposable
{
    private readonly SessionFile _session;
    private readonly EventSpool _spool;
    private readonly long _mostBytes;
    private readonly List<EventRun> _runs = [];
    private readonly List<(int Events, long FirstNs, long LastNs)> _blocks = [];
    private byte[] _tags = new byte[256];
    private ulong[] _addresses = new ulong[256];
    private ulong[] _bytes = new ulong[256];
    private uint[] _stacks = new uint[256];
    private int _count;
    private int _allocations;

    // The run that is being added.
    private int _runThread;
    private int _runStart;
    private long _runNs;

    private uint _knownNodes;
    private bool _isFull;

    private EventLog(SessionFile session)
    {
        _session = session;
        _mostBytes = (long)Math.Min(session.Header->EventsBytes, long.MaxValue);
        _spool = new EventSpool(session.Path);
    }

    /// <summary>The number of calls that are in the log.</summary>
    public long Events { get; private set; }

    /// <summary>The number of calls that are missing for lack of room.</summary>
    public long LeftOut { get; private set; }

    /// <summary>The time of the first call that was left out, in nanoseconds since the recording began.</summary>
    public long? LeftOutNs { get; private set; }

    /// <summary>The log's blocks: how many events each has, and when. After <see cref="Finish"/>.</summary>
    public IReadOnlyList<(int Events, long FirstNs, long LastNs)> Blocks => _blocks;

    /// <summary>The log that a session asks for.</summary>
    public static EventLog? Of(SessionFile session) => session.Header->EventsBytes == 0 ? null : new EventLog(session);

    /// <summary>Adds a thread's records, before they are replayed: to <paramref name="end"/>, the next BATCH, or one that the replay will refuse.</summary>
    /// <param name="thread">The thread's number in the process.</param>
    /// <param name="at">The first record.</param>
    /// <param name="end">The end of what is committed.</param>
    /// <param name="nowNs">The present time, in nanoseconds since the recording began.</param>
    public void Add(int thread, byte* at, byte* end, long nowNs)
    {
        if (_count >= EventBlock.Events)
            Flush();

        Reserve((int)((end - at) / sizeof(ulong)));
        (_runThread, _runNs, _runStart) = (thread, nowNs, _count);
        RecordReader.Read(at, end, new Records(this));
        EndRun();
    }

    /// <summary>Nothing more will be added.</summary>
    public void Finish() => Flush();

    /// <summary>A block's bytes.</summary>
    /// <exception cref="IOException">They cannot be read.</exception>
    public byte[] Block(int block) => _spool.Read(block);

    /// <summary>For a checkpoint.</summary>
    /// <exception cref="IOException">There is no room for it.</exception>
    public void Save(BinaryWriter writer)
    {
        Flush();
        writer.WriteAll([Events, LeftOut, LeftOutNs ?? -1, _isFull ? 1 : 0]);
        writer.WriteAll<(int, long, long)>([.. _blocks]);
        _spool.Save(writer);
    }

    /// <summary>Continues from a checkpoint.</summary>
    /// <exception cref="IOException">The file of the log is not there, or it is not what was written.</exception>
    public void Load(BinaryReader reader)
    {
        if (reader.ReadAll<long>() is not [var events, var leftOut, var leftOutNs, var isFull])
            throw new EndOfStreamException();

        (Events, LeftOut, LeftOutNs, _isFull) = (events, leftOut, leftOutNs < 0 ? null : leftOutNs, isFull != 0);
        _blocks.AddRange(reader.ReadAll<(int, long, long)>());
        _spool.Load(reader);
        if (_spool.Count != _blocks.Count)
            throw new EndOfStreamException();
    }

    public void Dispose() => _spool.Dispose();

    private void AddEvent(uint tag, ulong address) => (_tags[_count], _addresses[_count++]) = ((byte)tag, address);

    private void AddAllocation(uint tag, ulong address, ulong bytes, uint stack)
    {
        AddEvent(tag, address);
        (_bytes[_allocations], _stacks[_allocations++]) = (bytes, stack);
    }

    private bool Exists(uint stack)
    {
        if (stack >= WireFormat.FirstNode && stack >= _knownNodes)
            _knownNodes = _session.NodeCount;

        return stack < WireFormat.FirstNode || stack < _knownNodes;
    }

    private void Reserve(int more)
    {
        if (_count + more <= _tags.Length)
            return;

        var length = Math.Max(2 * _tags.Length, _count + more);
        Array.Resize(ref _tags, length);
        Array.Resize(ref _addresses, length);
        Array.Resize(ref _bytes, length);
        Array.Resize(ref _stacks, length);
    }

    private void Flush()
    {
        if (_count == 0)
            return;

        // The beginnings of reallocations, and those that failed, are no calls of their own.
        var calls = _count - CountKinds(RecordKind.ReallocBegin) - CountKinds(RecordKind.ReallocFailed);
        if (TryKeep())
        {
            _blocks.Add((_count, _runs[0].TimeNs, _runs[^1].TimeNs));
            Events += calls;
        }
        else
        {
            LeftOut += calls;
            LeftOutNs ??= _runs[0].TimeNs;
        }

        _runs.Clear();
        (_count, _allocations) = (0, 0);
    }

    private int CountKinds(RecordKind kind)
    {
        var count = 0;
        foreach (var tag in _tags.AsSpan(0, _count))
            count += tag >> 4 == (int)kind ? 1 : 0;

        return count;
    }

    /// <summary>Once something was left out, all that follows is: a log with holes could not be replayed.</summary>
    private bool TryKeep()
    {
        if (_isFull)
            return false;

        var block = new EventBlock(
            _runs.ToArray(), _tags.AsMemory(0, _count), _addresses.AsMemory(0, _count), _bytes.AsMemory(0, _allocations), _stacks.AsMemory(0, _allocations)).Compress();
        try
        {
            _isFull = _spool.Length + block.Length > _mostBytes;
            if (!_isFull)
                _spool.Add(block);
        }
        catch (IOException)
        {
            _isFull = true;
        }

        return !_isFull;
    }

    /// <summary>Adds the events since the last run to the runs: they are of one thread, without a time between them.</summary>
    private void EndRun()
    {
        if (_count > _runStart)
            _runs.Add(new EventRun(_runNs, _runThread, _count - _runStart));

        _runStart = _count;
    }

    private readonly struct Records(EventLog log) : IRecordVisitor
    {
        public void Expect(uint tag, ulong address)
        {
        }

        public bool Allocate(uint tag, ulong address, ulong bytes, uint stack)
        {
            var isWhole = bytes <= WireFormat.OperandMask && log.Exists(stack);
            if (isWhole)
                log.AddAllocation(tag, address, bytes, stack);

            return isWhole;
        }

        public bool Reallocate(uint tag, ulong address, ulong bytes, uint stack) => Allocate(tag, address, bytes, stack);

        public void Free(uint tag, ulong address) => log.AddEvent(tag, address);

        public void BeginRealloc(uint tag, ulong address) => log.AddEvent(tag, address);

        public void FailRealloc(uint tag, ulong address) => log.AddEvent(tag, address);

        public void Mark(MarkKind kind, ulong argument, ulong monoNs)
        {
            log.EndRun();
            log._runNs = Math.Max(log._runNs, unchecked((long)(monoNs - log._session.Header->StartedMonoNs)));
        }

        public void Lose(ulong events, ulong firstMonoNs, ulong lastMonoNs)
        {
        }

        public bool Unmap(uint tag, ulong address, ulong length) => Allocate(tag, address, length, stack: 0);

        public bool Age(ulong allocations) => true;

        public bool Context(SpanContext span) => true;

        public void Refuse(uint kind, long room)
        {
            // The replay refuses it, too, and says so.
        }
    }
}
