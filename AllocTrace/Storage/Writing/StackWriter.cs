using System.Runtime.InteropServices;

using AllocTrace.Wire;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>Writes code objects and stacks, each once for all processes.</summary>
internal sealed unsafe class StackWriter : IDisposable
{
    private const long NoStack = 0;

    private readonly NativeWriter _native;
    private readonly RawInsert _code;
    private readonly BatchInsert _stack;
    private readonly Dictionary<CodeKey, long> _codes = [];
    private readonly Dictionary<StackKey, long> _stacks = [];
    private readonly List<int> _depths = [0];
    private long? _dropped;

    /// <summary>Writes stack 0, "no Python frame".</summary>
    /// <param name="connection">Open; not owned.</param>
    /// <param name="native">Writes what makes codes native; not owned.</param>
    public StackWriter(WriteConnection connection, NativeWriter native)
    {
        _native = native;
        _code = new RawInsert(connection, "code", columns: 5);
        _stack = new BatchInsert(connection, "stack", columns: 5);
        _stack.Add(NoStack, null, null, 0, 0);
    }

    /// <summary>Writes stacks of a session and those of their callers, unless they are there.</summary>
    /// <param name="session">The session of the nodes.</param>
    /// <param name="wanted">Nodes that exist.</param>
    /// <returns>The stack of each node; undefined for nodes that are not wanted.</returns>
    /// <exception cref="InvalidTraceException">A node's parent or code does not exist.</exception>
    public long[] Add(SessionFile session, IEnumerable<uint> wanted)
    {
        var isWanted = new bool[session.NodeCount];
        foreach (var node in wanted)
            isWanted[node] = true;

        var count = 0;
        for (var node = (uint)isWanted.Length - 1; node >= WireFormat.FirstNode; node--)
        {
            if (!isWanted[node])
                continue;

            count++;
            if (session.Node(node)->Code is WireFormat.NativeCode or WireFormat.OuterCode)
                continue; // what is below it is not its caller's stack, but one with C frames between

            var parent = session.Node(node)->Parent;
            if (parent >= node)
                throw session.Damaged($"the caller of stack {node} is {parent}");

            isWanted[parent] = true;
        }

        _stacks.EnsureCapacity(_stacks.Count + count);

        var codes = new long[session.CodeCount];
        var merged = session.CFrameCount > 0 ? MergedStacksOf(session, codes) : null;
        var stacks = new long[isWanted.Length];
        if (isWanted[WireFormat.DroppedNode])
            stacks[WireFormat.DroppedNode] = _dropped ??= Insert(NoStack, null, 0, depth: 0);

        for (var node = WireFormat.FirstNode; node < isWanted.Length; node++)
        {
            if (isWanted[node])
                stacks[node] = IsMerged(session, node) ? (merged ?? throw session.Damaged($"stack {node} has C frames")).Of(node) : AddStack(session, node, codes, stacks);
        }

        return stacks;
    }

    /// <summary>Writes the stacks that still wait for their statement.</summary>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    public void Flush() => _stack.Flush();

    public void Dispose()
    {
        _code.Dispose();
        _stack.Dispose();
    }

    private long AddStack(SessionFile session, uint node, long[] codes, long[] stacks)
    {
        var entry = *session.Node(node);
        if (entry.Code == WireFormat.InterpreterCode)
            return NoStack;
        if (entry.Code is WireFormat.ExpressionCode or WireFormat.EntryCode)
            return stacks[entry.Parent < node ? entry.Parent : throw session.Damaged($"the caller of stack {node} is {entry.Parent}")];

        // The node cannot have changed since its parent was checked, unless somebody writes into the file: check what is used.
        if (entry.Parent >= node)
            throw session.Damaged($"the caller of stack {node} is {entry.Parent}");

        return AddFrame(session, node, codes, stacks[entry.Parent]);
    }

    private static bool IsMerged(SessionFile session, uint node) => session.Node(node)->Code is WireFormat.NativeCode or WireFormat.OuterCode;

    private MergedStacks MergedStacksOf(SessionFile session, long[] codes) => new(
        session, new NativeCodes(session, AddNativeCode), (node, caller) => AddFrame(session, node, codes, caller), (caller, code) => Below(new StackKey(caller, code, 0)));

    private long AddFrame(SessionFile session, uint node, long[] codes, long caller)
    {
        var entry = *session.Node(node);
        if (entry.Code >= codes.Length)
            throw session.Damaged($"the code of stack {node} is {entry.Code}");

        if (entry.Line > int.MaxValue)
            throw session.Damaged($"the line of stack {node} is {entry.Line}");

        ref var code = ref codes[entry.Code];
        if (code == 0)
            code = AddCode(session, *session.Code(entry.Code));

        return Below(new StackKey(caller, code, entry.Line));
    }

    private long Below(StackKey key)
    {
        ref var stack = ref CollectionsMarshal.GetValueRefOrAddDefault(_stacks, key, out var isKnown);
        if (!isKnown)
            stack = Insert(key.Caller, key.Code, key.Line, _depths[(int)key.Caller] + 1);

        return stack;
    }

    private long Insert(long caller, long? code, uint line, int depth)
    {
        long stack = _depths.Count;
        _stack.Add(stack, caller, code, line, depth);
        _depths.Add(depth);
        return stack;
    }

    private long AddCode(SessionFile session, CodeEntry entry)
    {
        if (entry.FirstLine > int.MaxValue)
            throw session.Damaged($"a function begins on line {entry.FirstLine}");

        return AddCode(new CodeKey(session.String(entry.Filename), session.String(entry.Qualname), entry.FirstLine, session.String(entry.Name)));
    }

    private long AddNativeCode(CodeKey key, NativeOrigin origin)
    {
        var code = AddCode(key);
        _native.Add(code, origin);
        return code;
    }

    private long AddCode(CodeKey key)
    {
        if (!_codes.TryGetValue(key, out var code))
        {
            code = _codes.Count + 1;
            _codes.Add(key, code);
            _code.Add(code, key.Filename, key.Name, key.Qualname, key.FirstLine);
        }

        return code;
    }
}
