using System.Runtime.InteropServices;
using System.Text;

using AllocTrace.Wire;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Journal;

/// <summary>
/// Appends to a session's journal. Appended entries survive this process: they are in the file, and counted in its header. If there is no
/// room, the journal is given up, and records that were taken out of the session exist in this process only. Used by one thread; appending
/// does not allocate.
/// </summary>
internal sealed unsafe class JournalWriter : IDisposable
{
    private readonly SessionFile _session;
    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly JournalMapping _mappedHead;
    private readonly JournalHead* _head;
    private ulong _number;

    /// <summary>The data that earlier generations wrote; <see langword="null"/> in the first.</summary>
    private JournalMapping? _written;

    private JournalWriter(SessionFile session, string path)
    {
        _session = session;
        _path = path;
        _file = OwnFile.Open(path, FileAccess.ReadWrite);
        _mappedHead = new JournalMapping(_file, JournalFormat.HeadBytes);
        _head = (JournalHead*)_mappedHead.Start;
    }

    /// <summary>True if all that was appended is there.</summary>
    public bool IsComplete { get; private set; } = true;

    public uint Generation => JournalFormat.GenerationOf(_head->Committed);

    /// <summary>The file's bytes.</summary>
    public long Length => JournalFormat.BytesOf(_head->Committed);

    /// <summary>Begins a journal, which counts when it is published, or continues the one that is there and was read.</summary>
    /// <returns><see langword="null"/> when it cannot be written.</returns>
    public static JournalWriter? TryOpen(SessionFile session, int temporaryThreshold)
    {
        try
        {
            return session.Header->CollectorJournal is not 0 and var number ? new(session, JournalFormat.PathOf(session.Path, number)) : Create(session, temporaryThreshold);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Names a new journal in the session's header: from here on it counts.</summary>
    public void Publish() => Volatile.Write(ref _session.Header->CollectorJournal, _number);

    public void AddThread(StreamName stream, uint osId, ulong startedMonoNs) =>
        Append(new JournalEntry { Kind = JournalKind.Thread, Slot = stream.Slot, Incarnation = stream.Incarnation, First = startedMonoNs, Second = osId }, []);

    /// <summary>Adds the used part of a slab, before the slab is released.</summary>
    public void AddSlab(StreamName stream, SlabHeader* slab, uint number)
    {
        var bytes = new ReadOnlySpan<byte>(slab, (int)Math.Min(slab->Used, WireFormat.SlabBytes));
        Append(new JournalEntry { Kind = JournalKind.Slab, Slot = stream.Slot, Incarnation = stream.Incarnation, First = slab->Sequence, Second = number }, bytes);
    }

    public void AddEnd(StreamName stream, ulong endedMonoNs, ulong lostEvents, ReadOnlySpan<byte> name) =>
        Append(new JournalEntry { Kind = JournalKind.End, Slot = stream.Slot, Incarnation = stream.Incarnation, First = endedMonoNs, Second = lostEvents }, name);

    public void AddResident(ulong monoNs, long bytes) => Append(new JournalEntry { Kind = JournalKind.Resident, First = monoNs, Second = (ulong)bytes }, []);

    public void AddSnapshot(uint request, string name, ReadOnlySpan<JournalPosition> positions)
    {
        byte[] payload = [.. MemoryMarshal.AsBytes(positions), .. Encoding.UTF8.GetBytes(name)];
        Append(new JournalEntry { Kind = JournalKind.Snapshot, Slot = request, First = (ulong)positions.Length }, payload);
    }

    /// <summary>All that is in it is in a checkpoint of the next generation: begins anew.</summary>
    public void BeginGeneration(uint generation)
    {
        Volatile.Write(ref _head->Committed, JournalFormat.Committed(generation, JournalFormat.HeadBytes));
        MapWritten();
    }

    public void Dispose()
    {
        _written?.Dispose();
        _mappedHead.Dispose();
        _file.Dispose();
    }

    private static JournalWriter Create(SessionFile session, int temporaryThreshold)
    {
        var number = SecretNumber.Next();
        var path = JournalFormat.PathOf(session.Path, number);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite, BufferSize = 0 };
        using (var stream = new FileStream(path, options))
            stream.SetLength(JournalFormat.HeadBytes);

        var writer = new JournalWriter(session, path) { _number = number };
        var head = writer._head;
        head->Version = JournalFormat.Version;
        head->Pid = session.Header->Pid;
        head->PidStarted = session.Header->PidStarted;
        head->StartedMonoNs = session.Header->StartedMonoNs;
        head->TemporaryThreshold = temporaryThreshold;
        writer.BeginGeneration(0);
        head->Magic = JournalFormat.Magic;
        return writer;
    }

    private void Append(JournalEntry entry, ReadOnlySpan<byte> payload)
    {
        if (!IsComplete)
            return;

        try
        {
            var at = Length;
            entry.Length = JournalEntry.Bytes + payload.Length;
            Write(at, MemoryMarshal.AsBytes(new ReadOnlySpan<JournalEntry>(in entry)));
            Write(at + JournalEntry.Bytes, payload);
            Volatile.Write(ref _head->Committed, JournalFormat.Committed(Generation, at + JournalFormat.Padded(entry.Length)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            IsComplete = false;
            Volatile.Write(ref _session.Header->CollectorJournal, 0); // rather none than one with a gap
            FolderFiles.TryDelete(_path);
        }
    }

    /// <summary>Writes into the file: what is new by the system, which has to make its pages, anything else through the mapping.</summary>
    private void Write(long at, ReadOnlySpan<byte> bytes)
    {
        if (_written is { } written && at + bytes.Length <= written.Length)
            written.Write(at, bytes);
        else
            RandomAccess.Write(_file, bytes, at);
    }

    private void MapWritten()
    {
        var length = RandomAccess.GetLength(_file);
        if (length <= (_written?.Length ?? JournalFormat.HeadBytes))
            return;

        _written?.Dispose();
        _written = null;
        try
        {
            _written = new JournalMapping(_file, length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It goes without.
        }
    }
}
