using AllocTrace.Wire;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>
/// The beginning of a large database, written while its programs run: code and stacks, which do not change any more. The target's folder may be where
/// a program works, so nothing appears there before the end. The file is in the temporary folder and has no name, so nothing is left of it when its
/// maker is killed. Used by one thread at a time.
/// </summary>
internal sealed class EarlyStacks : IDisposable
{
    /// <summary>The size of a large database's pages, bytes: 6 to 8 % less time to write than with SQLite's 4,096 (docs/performance.md).</summary>
    private const int PageBytes = 16384;

    private readonly FileStream _file;
    private readonly WriteConnection _connection;
    private readonly NativeWriter _native;
    private readonly StackWriter _stacks;

    private EarlyStacks(string folder)
    {
        var path = Path.Combine(folder, $"alloctrace-{SecretNumber.Next():x16}.stacks");
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        _file = new FileStream(path, options);
        try
        {
            _connection = new WriteConnection(path, hasThread: false);
            _connection.Execute($"PRAGMA page_size = {PageBytes}; BEGIN IMMEDIATE");
            FolderFiles.TryDelete(path);
            _connection.Execute(TraceWriter.Schema());
            _native = new NativeWriter(_connection);
            _stacks = new StackWriter(_connection, _native, Numbers);
        }
        catch
        {
            FolderFiles.TryDelete(path);
            _connection?.Dispose();
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The stacks that it has.</summary>
    public StackNumbers Numbers { get; } = new();

    /// <summary>Begins the file.</summary>
    /// <param name="folder">The folder; by default the temporary one.</param>
    /// <returns><see langword="null"/> if it cannot be written: then all is written at the end.</returns>
    public static EarlyStacks? TryBegin(string? folder = null)
    {
        try
        {
            return new EarlyStacks(folder ?? Path.GetTempPath());
        }
        catch (Exception e) when (IsRefusal(e))
        {
            return null;
        }
    }

    /// <summary>Adds stacks of a session that grows.</summary>
    /// <returns>False if there is no room for them. Then the file is of no use.</returns>
    /// <exception cref="InvalidTraceException">The session is damaged.</exception>
    public bool TryAdd(SessionFile session, IEnumerable<uint> nodes)
    {
        try
        {
            _stacks.Add(session, nodes);
            return true;
        }
        catch (Exception e) when (IsRefusal(e))
        {
            return false;
        }
    }

    /// <summary>Ends the writing, and copies the file.</summary>
    /// <exception cref="SqliteException">It cannot be written.</exception>
    /// <exception cref="IOException">The copy cannot be.</exception>
    public void MoveTo(Stream target)
    {
        _stacks.Flush();
        Close();
        _connection.Execute("COMMIT");
        _connection.Dispose();
        _file.Position = 0;
        _file.CopyTo(target, bufferSize: 1 << 20);
    }

    public void Dispose()
    {
        Close();
        _connection.Dispose();
        _file.Dispose();
    }

    private static bool IsRefusal(Exception e) => e is IOException or UnauthorizedAccessException or SqliteException;

    private void Close()
    {
        _stacks.Dispose();
        _native.Dispose();
    }
}
