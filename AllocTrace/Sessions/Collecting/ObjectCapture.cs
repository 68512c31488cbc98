using System.Globalization;

using AllocTrace.Objects;
using AllocTrace.Replay;
using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>
/// Gets the types and holders of a process's live blocks. First asks the process for a copy of itself, which the process makes when it next gets a new
/// object; reads a process that makes none while its threads are held. The reading itself is in a thread of its own. Otherwise used by the session's
/// collector.
/// </summary>
/// <param name="session">The session's file as the process shares it; not owned.</param>
/// <param name="linesOf">Returns the lines of a snapshot's sites. Called by the collector's thread.</param>
/// <param name="forgetNamed">Forgets the snapshots of a name but one, and returns them.</param>
internal sealed unsafe class ObjectCapture(
    SessionFile session, Func<SnapshotImage, IReadOnlyDictionary<int, SnapshotSite>> linesOf, Func<string, SnapshotImage?, IReadOnlyList<SnapshotImage>> forgetNamed) : IDisposable
{
    /// <summary>
    /// The time that a process has to make the copy. A process that allocates no object for this long waits for something, and its objects
    /// are consistent.
    /// </summary>
    private const long TimeoutMs = 200;

    /// <summary>The longest life of a copy (OS_COPY_LIFE_NS).</summary>
    private const int LongestReadMs = 30_000;

    private const int LookMs = 5;

    /// <summary>After a refused copy near the peak, the next one is not asked for so soon.</summary>
    private const int RefusedPeakMs = 5_000;

    private const string LateNote = "Python was running when the recording began: what only blocks from before hold is shown as held by C";

    private readonly Dictionary<SnapshotImage, ObjectContents> _contents = new(ReferenceEqualityComparer.Instance);
    private ObjectReader? _reader;
    private bool _isWanted;
    private long _end;
    private uint? _request;
    private string _name = "";
    private readonly PeakCopies? _peaks = session.Header->ObjectsAtPeak != 0 ? new PeakCopies() : null;
    private SnapshotImage? _peak;
    private string _whyNoPeak = "the process got no new object while its live memory grew";
    private bool _isPeakWanted;
    private long _beganMs;

    /// <summary>The types and holders by snapshot.</summary>
    public IReadOnlyDictionary<SnapshotImage, ObjectContents> Contents => _contents;

    /// <summary>True while a request waits to be answered.</summary>
    public bool IsBusy => _request is not null;

    /// <summary>Returns whether the objects of a snapshot are being read.</summary>
    public bool IsReading(SnapshotImage snapshot) => ReferenceEquals(_reader?.Snapshot, snapshot);

    /// <summary>True if a CPython was running when the recording began.</summary>
    private bool IsLate => Enumerable.Range(0, (int)session.RuntimeCount).Any(number => session.Runtime((uint)number)->WasInitialized != 0);

    private SessionHeader* Header => session.Header;

    /// <summary>Begins to answer a request for a snapshot with objects.</summary>
    public void Begin(uint request, string name)
    {
        (_request, _name, _isWanted, _isPeakWanted) = (request, name, true, false);
        _end = Environment.TickCount64 + TimeoutMs;
        Volatile.Write(ref Header->CopyWanted, (uint)CopyWanted.Named);
        Ask();
    }

    /// <summary>Asks for a copy when live memory has grown enough beyond that of the last one, if the recording has this option. After each round of the drain.</summary>
    /// <remarks>No process is held for it: one that gets no new object makes its copy when it gets one.</remarks>
    /// <param name="live">Live bytes now.</param>
    public void LookAtPeak(long live)
    {
        if (_peaks is null || _isWanted || _reader is not null)
            return;

        if (_isPeakWanted)
        {
            ContinuePeak();
            return;
        }

        if (!_peaks.IsDue(live, Environment.TickCount64))
            return;

        _isPeakWanted = true;
        Volatile.Write(ref Header->CopyWanted, (uint)CopyWanted.Peak);
        Ask();
    }

    /// <summary>Continues with what was begun. After each round of the drain.</summary>
    /// <param name="takeSnapshot">Drains what is there and takes the named snapshot of a request, without a copy.</param>
    public void Step(Func<uint, string, LiveBlocks> takeSnapshot)
    {
        if (_reader is { IsDone: true })
            EndReading();

        if (!_isWanted || _reader is not null)
            return;

        if (Volatile.Read(ref Header->CopyWanted) != 0)
        {
            Ask(); // the process clears it when it has nothing to do, and may have overlooked this
            if (Environment.TickCount64 < _end || Interlocked.CompareExchange(ref Header->CopyWanted, 0, (uint)CopyWanted.Named) == 0)
                return;

            Interlocked.And(ref Header->Order, ~WireFormat.OrderRequest);
            ReadHeld(takeSnapshot, $"it got no new object for {TimeoutMs} ms");
        }
        else if ((CopyState)Volatile.Read(ref Header->CopyState) == CopyState.Refused)
        {
            ReadHeld(takeSnapshot, WhyRefused());
        }
    }

    /// <summary>Takes the live blocks at the moment of a copy, and begins to read it.</summary>
    public void OnCopy(LiveBlocks live, uint pid)
    {
        var isThere = (CopyState)Volatile.Read(ref Header->CopyState) == CopyState.Made && Header->CopyPid == pid;
        _isWanted &= live.Snapshot.Name != _name; // the program may have made one for a snapshot of its own
        if (!isThere || _reader is not null || Namespaces.NumberHere(pid, Header->PidNamespace) is not { } local)
        {
            live.Dispose();
            Fail(live.Snapshot, pid == 0 ? $"the process could not be copied: {WhyRefused()}" : "the copy of the process ended before it was read");
            return;
        }

        var (pauseNs, lines) = ((long)Header->CopyPauseNs, linesOf(live.Snapshot));
        if (IsPeak(live.Snapshot) && !_peaks!.Keep(live.Snapshot.Bytes, pauseNs))
        {
            live.Dispose();
            DropPeak(live.Snapshot, "its live memory shrank before it was copied");
            Release();
            return;
        }

        _beganMs = Environment.TickCount64;
        _reader = new ObjectReader(live, () => ObjectReading.Read(new ProcessImage((int)local), local, live, lines, ReadingMethod.Copy, pauseNs));
    }

    /// <summary>Waits until a reading that was begun is over. When the process has ended, or is left.</summary>
    /// <param name="live">The blocks that were live at the end.</param>
    /// <param name="peakBytes">The live bytes at the high-water mark.</param>
    public void Finish(SnapshotImage? live, long peakBytes)
    {
        FinishReading();
        if (_peaks is null)
            return;

        if (_peak is not null)
            _contents[_peak] = WithNote(_contents[_peak], string.Create(CultureInfo.InvariantCulture, $"'{PeakCopies.Name}' has {100.0 * _peak.Bytes / Math.Max(1, peakBytes):F0} % of the bytes of the peak"));
        else if (live is not null && !_contents.ContainsKey(live))
            _contents[live] = new ObjectContents { Method = ReadingMethod.None, PauseNs = 0, Note = $"no types and holders near the peak: {_whyNoPeak}" };
    }

    private static ObjectContents WithNote(ObjectContents contents, string note) => contents with { Note = $"{contents.Note}{(contents.Note.Length > 0 ? "; " : "")}{note}" };

    private void FinishReading()
    {
        for (var end = Environment.TickCount64 + LongestReadMs; _reader is { IsDone: false } && Environment.TickCount64 < end;)
        {
            Volatile.Write(ref Header->CollectorBeatNs, LibC.MonotonicNanoseconds()); // or the copy ends
            Thread.Sleep(LookMs);
        }

        if (_reader is { IsDone: true })
            EndReading();
        else if (_reader is not null)
            Fail(_reader.Snapshot, $"it was not read within {LongestReadMs / 1000} s after the process had ended");
    }

    public void Dispose()
    {
        Release();
        foreach (var contents in _contents.Values)
            contents.Dispose();
    }

    private void Ask() => Interlocked.Or(ref Header->Order, WireFormat.OrderRequest);

    private void ReadHeld(Func<uint, string, LiveBlocks> takeSnapshot, string whyNoCopy)
    {
        _isWanted = false;
        var why = "its number is not known here";
        var pid = Namespaces.NumberHere(Header->Pid, Header->PidNamespace);
        var begin = LibC.MonotonicNanoseconds();
        using var held = pid is { } number ? HeldProcess.TryHold(number, out why) : null;
        var live = takeSnapshot(_request!.Value, _name);
        if (held is null)
        {
            live.Dispose();
            Fail(live.Snapshot, $"the process made no copy ({whyNoCopy}), and its threads cannot be held: {why}");
            return;
        }

        try
        {
            var image = new CollectedImage(pid!.Value);
            held.Dispose();
            var pauseNs = (long)(LibC.MonotonicNanoseconds() - begin);
            var lines = linesOf(live.Snapshot);
            _reader = new ObjectReader(live, () =>
            {
                using (image)
                {
                    var contents = ObjectReading.Read(image, pid.Value, live, lines, ReadingMethod.Held, pauseNs);
                    return contents with { Note = $"read while the threads were held, as the process made no copy: {whyNoCopy}{(contents.Note.Length > 0 ? "; " : "")}{contents.Note}" };
                }
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OutOfMemoryException)
        {
            live.Dispose();
            Fail(live.Snapshot, $"the process made no copy ({whyNoCopy}), and its memory cannot be read: {e.Message}");
        }
    }

    private string WhyRefused()
    {
        const int ENoMem = 12, EBusy = 16, ENoData = 61, ENotSup = 95;
        return (int)Header->CopyError switch
        {
            ENotSup => "this CPython has no GIL, and the process has several threads",
            ENoData => "the recording is sampled",
            ENoMem => "there is too little memory",
            EBusy => "an earlier copy was still being read",
            var error => $"the system refused the clone: {LibC.Describe(error)}",
        };
    }

    private void EndReading()
    {
        var reader = _reader!;
        _reader = null;
        _end = Environment.TickCount64 + TimeoutMs; // of a request that came meanwhile
        Release();
        if (reader.Result is not { } contents)
        {
            Fail(reader.Snapshot, reader.Problem);
            return;
        }

        if (IsPeak(reader.Snapshot))
            KeepPeak(reader.Snapshot);

        _contents[reader.Snapshot] = IsLate ? WithNote(contents, LateNote) : contents;
        Answer(reader.Snapshot, contents.Method == ReadingMethod.Copy
            ? $"types and holders from a copy, which held up the process for {contents.PauseNs / 1e6:F1} ms"
            : $"types and holders read while the threads were held, for {contents.PauseNs / 1e6:F1} ms");
    }

    /// <summary>Notes why a snapshot has no types and holders.</summary>
    private void Fail(SnapshotImage snapshot, string why)
    {
        if (IsPeak(snapshot))
        {
            DropPeak(snapshot, why);
            return;
        }

        _contents[snapshot] = new ObjectContents { Method = ReadingMethod.None, PauseNs = 0, Note = why };
        Answer(snapshot, $"no types and holders: {why}");
    }

    /// <summary>Continues to wait for a copy near the peak.</summary>
    private void ContinuePeak()
    {
        if (Volatile.Read(ref Header->CopyWanted) != 0)
        {
            Ask(); // the process clears it when it has nothing to do, and may have overlooked this
        }
        else if ((CopyState)Volatile.Read(ref Header->CopyState) == CopyState.Refused)
        {
            _isPeakWanted = false;
            _whyNoPeak = WhyRefused();
            _peaks!.Rest(Environment.TickCount64, RefusedPeakMs);
        }
    }

    private void KeepPeak(SnapshotImage snapshot)
    {
        _peak = snapshot;
        _isPeakWanted = false;
        foreach (var earlier in forgetNamed(PeakCopies.Name, snapshot))
            Forget(earlier);

        _peaks!.Rest(Environment.TickCount64, Environment.TickCount64 - _beganMs);
    }

    private void DropPeak(SnapshotImage snapshot, string why)
    {
        _isPeakWanted = false;
        _whyNoPeak = why;
        _peaks!.Rest(Environment.TickCount64, 0);
        forgetNamed(PeakCopies.Name, _peak);
        Forget(snapshot);
        Answer(snapshot, $"no types and holders: {why}");
    }

    private void Forget(SnapshotImage snapshot)
    {
        if (_contents.Remove(snapshot, out var contents))
            contents.Dispose();
    }

    private bool IsPeak(SnapshotImage snapshot) => _peaks is not null && snapshot.Name == PeakCopies.Name;

    /// <summary>Lets the copy end, and has the process reap it.</summary>
    private void Release()
    {
        if ((CopyState)Volatile.Read(ref Header->CopyState) != CopyState.Made)
            return;

        Volatile.Write(ref Header->CopyEnds, 1);
        Volatile.Write(ref Header->CopyState, (uint)CopyState.Released);
        Ask();
    }

    private void Answer(SnapshotImage snapshot, string note)
    {
        if (_request is not { } request || snapshot.Name != _name)
            return;

        SnapshotRequest.SetNote(Header, note);
        _request = null;
        Volatile.Write(ref Header->Answered, request);
    }
}
