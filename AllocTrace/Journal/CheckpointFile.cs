using System.Numerics;
using System.Runtime.InteropServices;

using AllocTrace.Wire;

namespace AllocTrace.Journal;

/// <summary>
/// The checkpoint of a replay, made when its journal began anew: a header, the state of replay and drain, and a checksum. It is written
/// beside its name and renamed, so it is complete or absent.
/// </summary>
internal static unsafe class CheckpointFile
{
    private const ulong Magic = 0x54504B43434F4C41; // the bytes "ALOCCKPT"
    private const uint Version = 3;
    private const int HeadBytes = 32, BufferBytes = 1 << 16;

    /// <summary>The length of the checksum at the file's end, bytes.</summary>
    internal const int ChecksumBytes = 4;

    /// <summary>Writes a checkpoint.</summary>
    /// <exception cref="IOException">There is no room for it; the earlier one is unchanged.</exception>
    public static void Write(SessionFile session, uint generation, Action<BinaryWriter> content)
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

            file.Write(BitConverter.GetBytes(Checksum(file, file.Length)));
            file.Flush();
            File.Move(unfinished, path, overwrite: true);
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
            if (file.Length < HeadBytes + ChecksumBytes || !HasItsChecksum(file))
                throw Damaged(path, "its checksum is wrong");

            file.Position = 0;
            var reader = new BinaryReader(file);
            if (reader.ReadUInt64() != Magic)
                throw Damaged(path, "it has no checkpoint header");

            if (reader.ReadUInt32() is not Version and var version)
                throw new InvalidTraceException(path, $"a checkpoint of version {version}; this program reads version {Version}");

            var generation = reader.ReadUInt32();
            if (reader.ReadUInt64() != session.Header->PidStarted || reader.ReadUInt64() != session.Header->StartedMonoNs)
                throw Damaged(path, "it belongs to another session");

            return (generation, reader);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Creates the exception for a session whose checkpoint cannot be used.</summary>
    public static InvalidTraceException Damaged(SessionFile session, string what) => Damaged(JournalFormat.CheckpointOf(session.Path, session.Header->CollectorJournal), what);

    private static InvalidTraceException Damaged(string path, string what) => new(path, $"the checkpoint of a killed collector is damaged: {what}");

    /// <summary>Computes the CRC-32C of the first bytes of a file, and leaves it behind them. One word at a time, as processors do it.</summary>
    internal static uint Checksum(Stream file, long length)
    {
        file.Position = 0;
        var (sum, buffer) = (uint.MaxValue, new byte[BufferBytes]);
        for (var left = length; left > 0;)
        {
            var some = buffer.AsSpan(0, (int)Math.Min(left, buffer.Length));
            file.ReadExactly(some);
            foreach (var word in MemoryMarshal.Cast<byte, ulong>(some))
                sum = BitOperations.Crc32C(sum, word);
            foreach (var single in some[(some.Length & -sizeof(ulong))..])
                sum = BitOperations.Crc32C(sum, single);

            left -= some.Length;
        }

        return ~sum;
    }

    private static bool HasItsChecksum(FileStream file)
    {
        var sum = Checksum(file, file.Length - ChecksumBytes);
        Span<byte> expected = stackalloc byte[ChecksumBytes];
        file.ReadExactly(expected);
        return BitConverter.ToUInt32(expected) == sum;
    }
}
