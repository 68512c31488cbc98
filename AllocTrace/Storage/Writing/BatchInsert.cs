using Microsoft.Data.Sqlite;

using SQLitePCL;

using static SQLitePCL.raw;

namespace AllocTrace.Storage;

/// <summary>
/// Inserts rows of integers and NULLs, fifty with each statement. SQLite begins a statement and finds its place in the table once for all
/// of them, and rows in the order of their keys follow there: half the time of a statement for each row (docs/performance.md). Rows of a statement
/// that fails stay (OR FAIL), because nobody uses the file then; otherwise SQLite would copy each page that a statement changes. Used by one thread, while the
/// connection is open.
/// </summary>
internal sealed class BatchInsert : IDisposable
{
    private const int BatchRows = 50; // more gain nothing

    /// <summary>The rows that are given to the queue at once.</summary>
    private const int QueuedRows = 10 * BatchRows;

    private readonly InsertQueue? _queue;
    private readonly sqlite3 _database;
    private readonly string _table;
    private readonly int _columns;
    private readonly sqlite3_stmt _batch;
    private readonly Stack<long?[]> _free = new();
    private long?[] _values;
    private int _count; // of values that wait for their statement

    /// <summary>Inserts through a connection's queue.</summary>
    /// <param name="connection">Open; not owned.</param>
    /// <param name="table">The table.</param>
    /// <param name="columns">The number of columns, all of which are given.</param>
    /// <exception cref="SqliteException">There is no such table.</exception>
    public BatchInsert(WriteConnection connection, string table, int columns)
        : this(connection.Handle, table, columns, connection.Queue)
    {
    }

    /// <summary>Inserts on the calling thread.</summary>
    /// <param name="database">An open connection; not owned.</param>
    /// <param name="table">The table.</param>
    /// <param name="columns">The number of columns, all of which are given.</param>
    /// <exception cref="SqliteException">There is no such table.</exception>
    public BatchInsert(sqlite3 database, string table, int columns)
        : this(database, table, columns, queue: null)
    {
    }

    private BatchInsert(sqlite3 database, string table, int columns, InsertQueue? queue)
    {
        _queue = queue;
        _database = database;
        _table = table;
        _columns = columns;
        _values = new long?[(queue is null ? BatchRows : QueuedRows) * columns];
        _queue?.Wait();
        _batch = Prepare(BatchRows);
    }

    /// <summary>Adds a row, which is in the database after <see cref="Flush"/>, and the queue's wait, at the latest.</summary>
    /// <exception cref="SqliteException">Rows before it cannot be written.</exception>
    public void Add(params ReadOnlySpan<long?> values)
    {
        values.CopyTo(_values.AsSpan(_count, _columns));
        _count += _columns;
        if (_count == _values.Length)
            Queue();
    }

    /// <summary>Inserts the rows that wait.</summary>
    /// <exception cref="SqliteException">They cannot be written.</exception>
    public void Flush()
    {
        if (_count == 0)
            return;

        if (_queue is { IsUsed: true })
            Queue();
        else
            Insert(_values, _count);

        _count = 0;
    }

    public void Dispose()
    {
        _queue?.WaitQuietly();
        _batch.Dispose();
    }

    private void Queue()
    {
        if (_queue is null)
        {
            Insert(_values, _count);
        }
        else
        {
            var (values, count) = (_values, _count);
            _values = Free();
            _queue.Add(() => InsertQueued(values, count));
        }

        _count = 0;
    }

    private void InsertQueued(long?[] values, int count)
    {
        Insert(values, count);
        lock (_free)
            _free.Push(values);
    }

    private long?[] Free()
    {
        lock (_free)
            return _free.TryPop(out var values) ? values : new long?[_values.Length];
    }

    private void Insert(long?[] values, int count)
    {
        var batch = BatchRows * _columns;
        var at = 0;
        for (; count - at >= batch; at += batch)
            Insert(_batch, values.AsSpan(at, batch));

        if (at == count)
            return;

        using var rest = Prepare((count - at) / _columns);
        Insert(rest, values.AsSpan(at, count - at));
    }

    private sqlite3_stmt Prepare(int rows)
    {
        var row = $"(?{string.Concat(Enumerable.Repeat(", ?", _columns - 1))})";
        NativeSqlite.Check(_database, sqlite3_prepare_v2(_database, $"INSERT OR FAIL INTO {_table} VALUES {string.Join(", ", Enumerable.Repeat(row, rows))}", out var statement));
        return statement;
    }

    private void Insert(sqlite3_stmt statement, ReadOnlySpan<long?> values)
    {
        var handle = statement.DangerousGetHandle(); // the caller keeps it
        var code = SQLITE_OK;
        for (var i = 0; i < values.Length; i++)
            code |= values[i] is { } value ? NativeSqlite.BindInt64(handle, i + 1, value) : NativeSqlite.BindNull(handle, i + 1);

        NativeSqlite.Check(_database, code);
        NativeSqlite.Step(handle);
        NativeSqlite.Check(_database, NativeSqlite.Reset(handle)); // tells how the step went
    }
}
