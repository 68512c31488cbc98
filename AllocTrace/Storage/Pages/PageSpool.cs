namespace AllocTrace.Storage.Pages;

/// <summary>Pages that wait for their place in a database: the last ones in memory, the others in a file beside it.</summary>
/// <param name="createFile">Makes the file, when there are too many pages for the memory.</param>
internal sealed class PageSpool(Func<UnfinishedFile> createFile) : IDisposable
{
    private const int BufferPages = 256;

    private readonly byte[] _buffer = new byte[BufferPages * TreePage.Size];
    private UnfinishedFile? _file;
    private int _buffered;
    private int _written;

    /// <summary>How many pages there are.</summary>
    public int Count => _written + _buffered;

    /// <summary>How many bytes they take.</summary>
    public long Bytes => (long)Count * TreePage.Size;

    /// <summary>Adds a page.</summary>
    /// <returns>Its number among all of the spool, from 0.</returns>
    /// <exception cref="IOException">There is no room for it.</exception>
    public int Add(ReadOnlySpan<byte> page)
    {
        if (_buffered == BufferPages)
        {
            _file ??= createFile();
            PageFile.Write(_file.Handle, _buffer, (long)_written * TreePage.Size);
            _written += _buffered;
            _buffered = 0;
        }

        page.CopyTo(_buffer.AsSpan(_buffered * TreePage.Size));
        _buffered++;
        return Count - 1;
    }

    /// <summary>Gives all pages in their order, some at a time.</summary>
    /// <param name="take">Gets whole pages, which are valid during the call.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public void Read(Action<ReadOnlyMemory<byte>> take)
    {
        var buffer = new byte[_written > 0 ? _buffer.Length : 0];
        for (var page = 0; page < _written; page += BufferPages)
        {
            for (var have = 0; have < buffer.Length;)
            {
                var read = RandomAccess.Read(_file!.Handle, buffer.AsSpan(have), (long)page * TreePage.Size + have);
                if (read == 0)
                    throw new EndOfStreamException($"{_file.Path} has become shorter");

                have += read;
            }

            take(buffer);
        }

        take(_buffer.AsMemory(0, _buffered * TreePage.Size));
    }

    public void Dispose() => _file?.Dispose();
}
