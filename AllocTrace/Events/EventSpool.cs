using AllocTrace.Journal;
using AllocTrace.Wire;

namespace AllocTrace.Events;

/// <summary>
/// Holds the blocks of a log until they are in a database: in memory while they are few, then in a file beside the session. Only its user
/// can read the file, whose name others cannot guess.
/// </summary>
/// <param name="session">The session's path.</param>
internal sealed class EventSpool(string session) : IDisposable
{
    /// <summary>The suffix of the file's name.</summary>
    public const string Suffix = ".events";

    private const int MostInMemory = 1 << 20;

    private readonly List<(long At, int Length)> _blocks = [];
    private MemoryStream? _memory = new();
    private FileStream? _file;
    private ulong _number;

    /// <summary>The number of blocks.</summary>
    public int Count => _blocks.Count;

    /// <summary>Bytes of all blocks.</summary>
    public long Length { get; private set; }

    /// <exception cref="IOException">There is no room for it, and the blocks are those before.</exception>
    public void Add(byte[] block)
    {
        if (_memory is not null && Length + block.Length > MostInMemory)
            MoveToFile();

        Stream target = _memory ?? (Stream)_file!;
        target.Position = Length;
        target.Write(block);
        target.Flush();
        _blocks.Add((Length, block.Length));
        Length += block.Length;
    }

    /// <summary>A block's bytes.</summary>
    /// <exception cref="IOException">They cannot be read.</exception>
    public byte[] Read(int block)
    {
        var (at, length) = _blocks[block];
        var bytes = new byte[length];
        Stream source = _memory ?? (Stream)_file!;
        source.Position = at;
        source.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Saves the state for a checkpoint. The blocks so far are in the file, which survives this process.</summary>
    /// <exception cref="IOException">There is no room for it.</exception>
    public void Save(BinaryWriter writer)
    {
        if (_memory is not null)
            MoveToFile();

        writer.Write(_number);
        writer.WriteAll<int>([.. _blocks.Select(block => block.Length)]);
    }

    /// <summary>Continues from a checkpoint.</summary>
    /// <exception cref="IOException">The file is not there, or shorter.</exception>
    public void Load(BinaryReader reader)
    {
        _number = reader.ReadUInt64();
        foreach (var length in reader.ReadAll<int>())
        {
            if (length <= 0)
                throw new EndOfStreamException();

            _blocks.Add((Length, length));
            Length += length;
        }

        _memory = null;
        _file = new FileStream(OwnFile.Open(PathOf(session, _number), FileAccess.ReadWrite), FileAccess.ReadWrite);
        if (_file.Length < Length)
            throw new EndOfStreamException();
    }

    public void Dispose() => _file?.Dispose();

    private static string PathOf(string session, ulong number) => $"{session}.{number:x16}{Suffix}";

    private void MoveToFile()
    {
        _number = SecretNumber.Next();
        var path = PathOf(session, _number);
        var file = Create(path);
        try
        {
            _memory!.WriteTo(file);
        }
        catch
        {
            file.Dispose();
            File.Delete(path);
            throw;
        }

        (_file, _memory) = (file, null);
    }

    private static FileStream Create(string path)
    {
        try
        {
            return new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Share = FileShare.Delete,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                BufferSize = 0,
            });
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }
}
