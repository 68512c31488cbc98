using AllocTrace.Events;
using AllocTrace.Journal;
using AllocTrace.Replay;
using AllocTrace.Wire;
using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Fuzz;

/// <summary>
/// Takes over from a killed collector: with a damaged journal, or a checkpoint whose content is damaged and whose checksum is right.
/// </summary>
internal sealed class JournalTarget(IReadOnlyList<Seed> seeds, bool isCheckpoint) : Target(seeds)
{
    protected override void Prepare(Seed seed)
    {
        if (!isCheckpoint)
            return;

        using var file = new FileStream(seed.Path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        if (file.Length >= CheckpointFile.ChecksumBytes)
            file.Write(BitConverter.GetBytes(CheckpointFile.Checksum(file, file.Length - CheckpointFile.ChecksumBytes)));
    }

    protected override void Restore(Seed seed, SafeFileHandle file)
    {
        if (!isCheckpoint)
            return;

        // A shorter file had its checksum elsewhere.
        RandomAccess.SetLength(file, seed.Bytes.Length);
        RandomAccess.Write(file, seed.Bytes, 0);
    }

    protected override bool Read(Seed seed)
    {
        using var session = SessionFile.TryOpen(JournalFormat.SessionOf(seed.Path)!, shared: false)!;
        using var replay = new ProcessReplay(session, temporaryThreshold: 1);
        using var events = EventLog.Of(session);
        using var drain = new SessionDrain(session, replay, new() { IsRest = false, Events = events });
        using var journal = JournalReader.TryOpen(session);
        if (journal is null)
            return false;

        drain.TakeOver(journal);
        drain.Finish();
        drain.EndThreads();
        replay.Finish();
        events?.Finish();
        return true;
    }
}
