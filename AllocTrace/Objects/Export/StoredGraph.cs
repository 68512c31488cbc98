namespace AllocTrace.Objects;

/// <summary>
/// A compressed <c>.heapsnapshot</c> until it is written to a database, which may be hours later. It is in a file without a name, as a recording may have many of
/// them; in memory when no file can be made. Used by one thread at a time.
/// </summary>
internal sealed class StoredGraph : IDisposable
{
    private readonly Stream _content = Create();

    /// <summary>Gets the content, in order.</summary>
    public Stream Content => _content;

    /// <summary>Returns the content in parts.</summary>
    /// <param name="bytes">The size of each part but the last.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public IEnumerable<byte[]> Parts(int bytes)
    {
        _content.Position = 0;
        for (var left = _content.Length; left > 0;)
        {
            var part = new byte[(int)Math.Min(bytes, left)];
            _content.ReadExactly(part);
            left -= part.Length;
            yield return part;
        }
    }

    public void Dispose() => _content.Dispose();

    private static Stream Create()
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            File.Delete(path); // nothing is left of it when this process ends, however it ends
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new MemoryStream();
        }
    }
}
