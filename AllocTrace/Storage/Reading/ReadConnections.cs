namespace AllocTrace.Storage;

/// <summary>Connections to one database, so that several cores can read it.</summary>
internal sealed class ReadConnections : IDisposable
{
    private const int Most = 4; // what more of them gain is less than what they cost a machine that has other work

    private readonly List<ReadConnection> _connections = [];

    /// <summary>Opens all connections, so that they read the same file if its name changes.</summary>
    /// <exception cref="Microsoft.Data.Sqlite.SqliteException">The file cannot be opened.</exception>
    public ReadConnections(string path)
    {
        try
        {
            for (var i = 0; i < Math.Min(Environment.ProcessorCount, Most); i++)
                _connections.Add(new ReadConnection(path));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The one for what is not worth dividing.</summary>
    public ReadConnection First => _connections[0];

    /// <summary>Reads parts of something, each once, in no particular order.</summary>
    /// <param name="parts">The number of parts.</param>
    /// <param name="read">Reads one; called by several threads, each with a connection.</param>
    public void ReadParts(int parts, Action<ReadConnection, int> read)
    {
        var next = -1;
        var others = new Task[Math.Min(_connections.Count, parts) is var workers and > 1 ? workers - 1 : 0];
        for (var i = 0; i < others.Length; i++)
        {
            var connection = _connections[i + 1];
            others[i] = Task.Run(() => Work(connection));
        }

        try
        {
            Work(First);
        }
        finally
        {
            Volatile.Write(ref next, parts); // after a failure nobody needs the rest
            Task.WhenAll(others).ContinueWith(_ => { }, TaskScheduler.Default).Wait();
        }

        foreach (var task in others)
            task.GetAwaiter().GetResult();

        void Work(ReadConnection connection)
        {
            for (int part; (part = Interlocked.Increment(ref next)) < parts;)
                read(connection, part);
        }
    }

    public void Dispose() => _connections.ForEach(connection => connection.Dispose());
}
