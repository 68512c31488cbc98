using System.IO.MemoryMappedFiles;

using AllocTrace.Wire;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Journal;

/// <summary>
/// Reads the journal of a collector that was killed. It is foreign input, like the session: all lengths are checked before use. Slabs are
/// in the mapping until <see cref="Dispose"/>.
/// </summary>
internal sealed unsafe class JournalReader : IDisposable
{
    private readonly string _path;
    private readonly MemoryMappedFile _mapped;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private readonly ulong _committed;

    private JournalReader(string path, SafeFileHandle file, long length)
    {
        _path = path;
        _mapped = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: false);
        _view = _mapped.CreateViewAccessor(0, length);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _committed = Volatile.Read(ref Head->Committed);
    }

    public int TemporaryThreshold => Head->TemporaryThreshold;

    /// <summary>The checkpoint that precedes the entries; 0 if there is none.</summary>
    public uint Generation => JournalFormat.GenerationOf(_committed);

    private JournalHead* Head => (JournalHead*)_start;

    /// <summary>Opens a session's journal.</summary>
    /// <returns><see langword="null"/> when there is none (any longer): what it held is lost.</returns>
    /// <exception cref="InvalidTraceException">It is damaged, of another version, or not this session's.</exception>
    public static JournalReader? TryOpen(SessionFile session)
    {
        if (session.Header->CollectorJournal is 0 or JournalFormat.Taken)
            return null;

        var path = JournalFormat.PathOf(session.Path, session.Header->CollectorJournal);
        if (!File.Exists(path))
            return null;

        var file = OwnFile.Open(path, FileAccess.ReadWrite);
        var length = RandomAccess.GetLength(file);
        if (length < JournalFormat.HeadBytes)
        {
            file.Dispose();
            return null;
        }

        var reader = new JournalReader(path, file, length);
        try
        {
            reader.Check(session.Header, length);
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>The entries in the order in which they were written; pointers into the mapping.</summary>
    /// <exception cref="InvalidTraceException">An entry is damaged.</exception>
    public List<nint> Entries()
    {
        var entries = new List<nint>();
        var end = JournalFormat.BytesOf(_committed);
        for (long at = JournalFormat.HeadBytes; at < end;)
        {
            var entry = (JournalEntry*)(_start + at);
            if (end - at < JournalEntry.Bytes || entry->Length < JournalEntry.Bytes || entry->Length > end - at)
                throw Damaged($"the entry at {at} is invalid");

            entries.Add((nint)entry);
            at += JournalFormat.Padded(entry->Length);
        }

        return entries;
    }

    /// <summary>Returns the data behind the head of an entry.</summary>
    public static ReadOnlySpan<byte> Payload(JournalEntry* entry) => new((byte*)entry + JournalEntry.Bytes, entry->Length - JournalEntry.Bytes);

    public InvalidTraceException Damaged(string what) => new(_path, $"the journal of a killed collector is damaged: {what}");

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _mapped.Dispose();
    }

    private void Check(SessionHeader* session, long length)
    {
        if (Head->Magic != JournalFormat.Magic)
            throw Damaged("it has no journal header");

        if (Head->Version != JournalFormat.Version)
            throw new InvalidTraceException(_path, $"a journal of version {Head->Version}; this program reads version {JournalFormat.Version}");

        if (Head->Pid != session->Pid || Head->PidStarted != session->PidStarted || Head->StartedMonoNs != session->StartedMonoNs)
            throw Damaged("it belongs to another session");

        if (JournalFormat.BytesOf(_committed) < JournalFormat.HeadBytes || JournalFormat.BytesOf(_committed) > length + JournalEntry.Bytes - 1 || Head->TemporaryThreshold is < 1 or > JournalFormat.MostTemporaryThreshold)
            throw Damaged("its header is invalid");
    }
}
