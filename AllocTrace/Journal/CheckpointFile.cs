using System.Security.Cryptography;

using AllocTrace.Wire;

namespace AllocTrace.Journal;

/// <summary>
/// The file with what a replay had come to when its journal was begun anew: a head, what the replay and the drain write, and the SHA-256 of it
/// all. It is written beside its name and renamed, so it is whole or not there.
/// </summary>
internal static unsafe class CheckpointFile
{
    private const ulong Magic = 0x54504B43434F4C41; // the bytes "ALOCCKPT"
    private const uint Version = 1;
    private const int HeadBytes = 32, BufferBytes = 1 << 16;

    /// <summary>Writes a checkpoint.</summary>
    /// <returns>Its size, bytes.</returns>
    /// <exception cref="IOException">There is no room for it; the earlier one is as it was.</exception>
    public static long Write(SessionFile session, uint generation, Action<BinaryWriter> content)
    {
        var path = JournalFormat.CheckpointOf(session.Path, session.Header->CollectorJournal);
        var unfinished = $"{path}.new";
        try
        {
            File.Delete(unfinished);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite, BufferSize = BufferBytes };
            using var file = new FileStream(unfinished, options);
            using (var writer = new BinaryWriter(file, System.Text.Encoding.UTF8, leaveOpen: true))
            {
                writer.Write(Magic);
                writer.Write(Version);
                writer.Write(generation);
                writer.Write(session.Header->PidStarted);
                writer.Write(session.Header->StartedMonoNs);
                content(writer);
            }

            file.Position = 0;
            var hash = SHA256.HashData(file);
            file.Write(hash);
            file.Flush();
            File.Move(unfinished, path, overwrite: true);
            return file.Length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            FolderFiles.TryDelete(unfinished);
            throw e as IOException ?? new IOException(e.Message, e);
        }
    }

    /// <summary>Opens a session's checkpoint.</summary>
    /// <returns>Its generation and what follows the head; <see langword="null"/> when there is none.</returns>
    /// <exception cref="InvalidTraceException">It is damaged, of another version, or not this session's.</exception>
    public static (uint Generation, BinaryReader Content)? TryOpen(SessionFile session)
    {
        var path = JournalFormat.CheckpointOf(session.Path, session.Header->CollectorJournal);
        if (!File.Exists(path))
            return null;

        var file = new FileStream(OwnFile.Open(path, FileAccess.Read), FileAccess.Read, BufferBytes);
        try
        {
            if (file.Length < HeadBytes + SHA256.HashSizeInBytes || !HasItsHash(file))
                throw Damaged(path, "its checksum is wrong");

            file.Position = 0;
            var reader = new BinaryReader(file);
            if (reader.ReadUInt64() != Magic)
                throw Damaged(path, "it does not begin as one");

            if (reader.ReadUInt32() is not Version and var version)
                throw new InvalidTraceException(path, $"a checkpoint of version {version}; this program reads version {Version}");

            var generation = reader.ReadUInt32();
            if (reader.ReadUInt64() != session.Header->PidStarted || reader.ReadUInt64() != session.Header->StartedMonoNs)
                throw Damaged(path, "it is another session's");

            return (generation, reader);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What is thrown for a session whose checkpoint cannot be used.</summary>
    public static InvalidTraceException Damaged(SessionFile session, string what) => Damaged(JournalFormat.CheckpointOf(session.Path, session.Header->CollectorJournal), what);

    private static InvalidTraceException Damaged(string path, string what) => new(path, $"the checkpoint of a collector that was killed is damaged: {what}");

    private static bool HasItsHash(FileStream file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferBytes];
        for (var left = file.Length - SHA256.HashSizeInBytes; left > 0;)
        {
            var read = file.Read(buffer, 0, (int)Math.Min(left, buffer.Length));
            if (read == 0)
                return false;

            hash.AppendData(buffer, 0, read);
            left -= read;
        }

        var expected = new byte[SHA256.HashSizeInBytes];
        file.ReadExactly(expected);
        return hash.GetHashAndReset().AsSpan().SequenceEqual(expected);
    }
}
