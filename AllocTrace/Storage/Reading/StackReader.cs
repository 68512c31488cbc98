using System.Runtime.CompilerServices;

namespace AllocTrace.Storage;

/// <summary>Reads the trie of stacks and checks that it is one. There may be millions, so several cores read.</summary>
/// <param name="path">For messages.</param>
/// <param name="connections">The database.</param>
/// <param name="folds">True to leave out C frames of the interpreter itself.</param>
internal sealed class StackReader(string path, ReadConnections connections, bool folds)
{
    /// <exception cref="InvalidTraceException">A stack refers to one that is not there before it, or to a code that is not there.</exception>
    public StackTable Read()
    {
        var codes = ReadCodes();
        var (count, all) = Extent();
        var stacks = new StackTable(count, codes);

        // Without gaps a stack's number is its place. With gaps, which nobody makes but people, a place is known when all before it are.
        if (all.Last == count - 1)
        {
            var parts = all.Split();
            connections.ReadParts(parts.Length, (connection, i) => ReadRange(connection, parts[i], stacks));
        }
        else
        {
            stacks.Ids = new long[count];
            ReadRange(connections.First, all, stacks);
        }

        if (folds && codes.HasNative)
            InterpreterFrames.Fold(stacks);

        return stacks;
    }

    private CodeTable ReadCodes()
    {
        var native = ReadNative();
        var codes = new CodeTable();
        using var reader = new StatementReader(connections.First, "SELECT id, filename, qualname, first_line FROM code ORDER BY id");
        while (reader.Read())
        {
            var isNative = native.TryGetValue(reader.Int64(0), out var origin);
            codes.Add(reader.Int64(0), reader.Text(1), reader.Text(2), checked((int)reader.Int64(3)), isNative ? origin : null);
        }

        return codes;
    }

    /// <summary>C functions by code. Only a recording with C stacks has the table.</summary>
    private Dictionary<long, NativeOrigin> ReadNative()
    {
        var native = new Dictionary<long, NativeOrigin>();
        using (var table = new StatementReader(connections.First, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'native_code'"))
        {
            if (!table.Read())
                return native;
        }

        using var reader = new StatementReader(connections.First, "SELECT code, image, build_id, address, is_named FROM native_code");
        while (reader.Read())
            native[reader.CheckedInt64(0)] = new NativeOrigin(reader.Text(1), reader.Text(2), (ulong)reader.Int64(3), reader.Int64(4) != 0);

        return native;
    }

    private (int Count, RowRange All) Extent()
    {
        using var reader = new StatementReader(
            connections.First, "SELECT (SELECT count(*) FROM stack), (SELECT min(id) FROM stack), (SELECT max(id) FROM stack)");
        reader.Read();
        return reader.Int64(0) > 0 && reader.Int64(1) == 0
            ? (checked((int)reader.Int64(0)), new RowRange(0, reader.Int64(2)))
            : throw Damaged("there is no stack 0");
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // this runs once, with all its work in one loop
    private void ReadRange(ReadConnection connection, RowRange range, StackTable stacks)
    {
        using var reader = new StatementReader(
            connection, $"SELECT caller, code, line{(stacks.Ids is null ? "" : ", id")} FROM stack WHERE id >= ? ORDER BY id", range.First);
        var codes = stacks.Codes;
        var ids = stacks.Ids;
        var row = ids is null ? (int)range.First : 0;
        var end = ids is null ? (int)range.Last + 1 : stacks.Count;
        for (; row < end && reader.Read(); row++)
        {
            var id = ids is null ? row : ids[row] = reader.Int64(3);
            if (id == 0)
                continue;

            // Callers come first. This also means that no chain of callers can go in a circle.
            var callerId = reader.Int64(0);
            var caller = callerId < id ? ids is null ? (int)callerId : AscendingIds.Find(ids.AsSpan(0, row), callerId) : -1;
            var codeId = reader.Int64(1);
            var code = codeId == 0 && reader.IsNull(1) ? codes.NotKept : codes.IndexOf(codeId);
            if (caller < 0)
                throw Damaged($"stack {id} has caller {callerId}, which is not before it");
            if (code < 0)
                throw Damaged($"stack {id} has code {codeId}, which does not exist");

            stacks.Set(row, caller, code, checked((int)reader.Int64(2)));
        }
    }

    private InvalidTraceException Damaged(string reason) => new(path, $"damaged: {reason}");
}
