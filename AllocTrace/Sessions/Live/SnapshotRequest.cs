using System.Text;

using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>Asks the collector of a running recording for a named snapshot, from any process that may open the session.</summary>
internal static unsafe class SnapshotRequest
{
    /// <summary>The length of the longest name, in bytes of UTF-8.</summary>
    public const int LongestName = SessionHeader.RequestedNameBytes - 1;

    private const int LookMs = 2;

    /// <summary>Requests a snapshot, and blocks until it is taken.</summary>
    /// <param name="pid">The recorded process.</param>
    /// <param name="name">The snapshot's name, up to <see cref="LongestName"/> bytes of UTF-8.</param>
    /// <param name="patience">The time limit for the collector.</param>
    /// <param name="objects">True to read the types and holders of its blocks.</param>
    /// <returns>A note about the types and holders, in one line; empty if there is none.</returns>
    /// <exception cref="IOException">The process is not recorded, nobody collects it, or the collector does not answer. The message is one line.</exception>
    public static string Take(uint pid, string name, TimeSpan patience, bool objects = false)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        if (bytes.Length is 0 or > LongestName)
            throw new IOException($"the name of a snapshot must have 1 to {LongestName} bytes");

        var path = SessionOf(pid) ?? throw new IOException($"process {pid} is not being recorded, or its session belongs to another user");
        using var session = SessionFile.TryOpen(path, shared: true) ?? throw new IOException($"process {pid} has not allocated yet");
        var header = session.Header;
        if (!ComingCollector.Await(session))
            throw new IOException($"process {pid} has no collector at the moment: run 'alloctrace collect {path}'");

        var end = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        Lock(session, pid, end);
        try
        {
            var room = new Span<byte>(header->RequestedName, SessionHeader.RequestedNameBytes);
            room.Clear();
            bytes.CopyTo(room);
            header->RequestedObjects = objects ? 1u : 0;
            var number = header->Requested + 1;
            Volatile.Write(ref header->Requested, number);
            while (Volatile.Read(ref header->Answered) != number)
            {
                if (Environment.TickCount64 > end)
                    throw new IOException($"process {header->CollectorPid}, the collector of process {pid}, does not answer");

                Thread.Sleep(LookMs);
            }

            return objects ? TextIn(new(header->AnsweredNote, SessionHeader.AnsweredNoteBytes)) : "";
        }
        finally
        {
            session.Unlock(SessionLock.Request);
        }
    }

    /// <summary>Returns the session that a process maps, or <see langword="null"/> if there is none or it cannot be seen.</summary>
    public static string? SessionOf(uint pid)
    {
        try
        {
            foreach (var line in File.ReadLines($"/proc/{pid}/maps"))
            {
                var path = line.IndexOf('/') is >= 0 and var at ? line[at..] : "";
                if (path.EndsWith(SessionFolder.SessionSuffix, StringComparison.Ordinal))
                    return File.Exists(path) ? path : $"/proc/{pid}/root{path}"; // in a container it may have another name
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended, or is another user's.
        }

        return null;
    }

    internal static string NameIn(SessionHeader* header) => TextIn(new(header->RequestedName, SessionHeader.RequestedNameBytes));

    /// <summary>Stores the note of an answer about objects, cut to the room that there is.</summary>
    internal static void SetNote(SessionHeader* header, string note)
    {
        var room = new Span<byte>(header->AnsweredNote, SessionHeader.AnsweredNoteBytes);
        room.Clear();
        Encoding.UTF8.GetEncoder().Convert(note, room[..^1], flush: true, out _, out _, out _);
    }

    private static string TextIn(ReadOnlySpan<byte> room)
    {
        var end = room.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? room : room[..end]);
    }

    /// <summary>One process asks at a time. The lock of one that dies while it does ends with it.</summary>
    private static void Lock(SessionFile session, uint pid, long end)
    {
        while (session.TryLock(SessionLock.Request) == false)
        {
            if (Environment.TickCount64 > end)
                throw new IOException($"another process is requesting a snapshot of process {pid}: try again");

            Thread.Sleep(LookMs);
        }
    }
}
