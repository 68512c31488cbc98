using AllocTrace.Memory;
using AllocTrace.Replay;
using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>Takes the snapshots of a session that other processes ask for (<see cref="SnapshotRequest"/>).</summary>
/// <param name="session">Not owned, like the others.</param>
/// <param name="drain">Takes the snapshots.</param>
/// <param name="replay">Has the live blocks.</param>
/// <param name="objects">Reads types and holders.</param>
/// <param name="readMap">Reads the present mappings of the process.</param>
/// <param name="drainAll">Drains everything that is committed.</param>
internal sealed unsafe class RequestedSnapshots(SessionFile session, SessionDrain drain, ProcessReplay replay, ObjectCapture objects, Func<MemoryMap?> readMap, Action drainAll)
{
    /// <summary>
    /// Answers a request that is there, after everything that was committed before it was seen, or continues with one. Also asks for the copies near the peak.
    /// </summary>
    public void Answer()
    {
        var header = session.Header;
        var requested = Volatile.Read(ref header->Requested);
        if (requested != header->Answered && !objects.IsBusy)
            Begin(requested, SnapshotRequest.NameIn(header));

        objects.LookAtPeak(replay.LiveBytes);
        objects.Step(TakeBlocks);
    }

    private void Begin(uint request, string name)
    {
        var header = session.Header;
        var wantsObjects = Volatile.Read(ref header->RequestedObjects) != 0;
        if (wantsObjects && header->SampleBytes == 0)
        {
            objects.Begin(request, name);
            return;
        }

        var map = readMap();
        drainAll();
        drain.TakeSnapshot(request, name, map);
        if (wantsObjects)
            SnapshotRequest.SetNote(header, "no types and holders: the recording is sampled, and who holds what cannot be told from a part of the blocks");

        Volatile.Write(ref header->Answered, request);
    }

    /// <summary>Takes a snapshot with its blocks, when there is no copy of the process.</summary>
    private LiveBlocks TakeBlocks(uint request, string name)
    {
        var map = readMap();
        drainAll();
        return replay.PresentBlocks(drain.TakeSnapshot(request, name, map));
    }
}
