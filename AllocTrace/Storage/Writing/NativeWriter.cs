using AllocTrace.Wire;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>Writes what makes codes native, and what is missing of C stacks. The tables for that are made with the first.</summary>
/// <param name="connection">Open, with the schema's tables, within a transaction; not owned.</param>
internal sealed unsafe class NativeWriter(WriteConnection connection) : IDisposable
{
    private readonly HashSet<long> _written = [];
    private RawInsert? _code, _stacks;

    /// <summary>Writes where a C function is, once.</summary>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    public void Add(long code, NativeOrigin origin)
    {
        Begin();
        if (_written.Add(code))
            _code!.Add(code, origin.Image, origin.BuildId, (long)origin.Address, origin.IsNamed);
    }

    /// <summary>Writes what a process's C stacks lack; of a process without C stacks nothing.</summary>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    public void AddProcess(long process, SessionFile session)
    {
        if (session.CFrameCount == 0)
            return;

        Begin();
        _stacks!.Add(process, (long)session.Header->CutCStacks, (long)session.Header->UnplacedCStacks);
    }

    public void Dispose()
    {
        _code?.Dispose();
        _stacks?.Dispose();
    }

    private void Begin()
    {
        if (_code is not null)
            return;

        connection.Execute(TraceWriter.Schema("native.sql"));
        _code = new RawInsert(connection, "native_code", columns: 5);
        _stacks = new RawInsert(connection, "native_stacks", columns: 3);
    }
}
