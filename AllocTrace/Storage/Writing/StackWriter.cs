using System.Runtime.InteropServices;

using AllocTrace.Wire;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>
/// Writes code objects and stacks, each once for all processes. A session's stacks can be added in parts while it grows; their numbers are the same as
/// if they were added at once in the same order.
/// </summary>
internal sealed unsafe class StackWriter : IDisposable
{
    private const int NoStack = 0;

    private readonly NativeWriter _native;
    private readonly StackNumbers _numbers;
    private readonly RawInsert _code;
    private readonly BatchInsert _stack;
    private readonly Stack<uint> _path = new();

    /// <summary>Writes stack 0, "no Python frame", into a database without stacks.</summary>
    /// <param name="connection">Open; not owned.</param>
    /// <param name="native">Writes what makes codes native; not owned.</param>
    /// <param name="numbers">The stacks that are in the database; those that are added are added here.</param>
    public StackWriter(WriteConnection connection, NativeWriter native, StackNumbers numbers)
    {
        _native = native;
        _numbers = numbers;
        _code = new RawInsert(connection, "code", columns: 5);
        _stack = new BatchInsert(connection, "stack", columns: 5);
        if (numbers.Depths.Count > 0)
            return;

        _stack.Add(NoStack, null, null, 0, 0);
        numbers.Depths.Add(0);
    }

    /// <summary>Writes stacks of a session and those of their callers, unless they are there.</summary>
    /// <param name="session">The session of the nodes.</param>
    /// <param name="wanted">Nodes.</param>
    /// <returns>The stack of each node that was ever wanted.</returns>
    /// <exception cref="InvalidTraceException">A node, its parent or its code does not exist.</exception>
    public NodeStacks Add(SessionFile session, IEnumerable<uint> wanted)
    {
        if (!_numbers.Sessions.TryGetValue(session, out var nodes))
            _numbers.Sessions.Add(session, nodes = new NodeStacks());

        var count = nodes.Grow(session);
        foreach (var node in wanted)
        {
            if (node >= count)
                throw session.Damaged($"there is no stack {node}");

            AddNode(session, node, nodes);
        }

        return nodes;
    }

    /// <summary>Forgets a session's nodes, not their stacks.</summary>
    public void Forget(SessionFile session) => _numbers.Sessions.Remove(session);

    /// <summary>Writes the stacks that still wait for their statement.</summary>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    public void Flush() => _stack.Flush();

    public void Dispose()
    {
        _code.Dispose();
        _stack.Dispose();
    }

    /// <summary>Adds a node after its callers.</summary>
    private void AddNode(SessionFile session, uint node, NodeStacks nodes)
    {
        _path.Clear();
        for (var at = node; !nodes.Has(at); at = ParentOf(session, at))
        {
            _path.Push(at);
            if (at < WireFormat.FirstNode || IsMerged(session, at))
                break; // what is below a node with C frames is not its caller's stack, but one with C frames between
        }

        while (_path.TryPop(out var each))
            nodes[each] = StackOf(session, each, nodes);
    }

    private long StackOf(SessionFile session, uint node, NodeStacks nodes)
    {
        if (node < WireFormat.FirstNode)
            return node == WireFormat.DroppedNode ? _numbers.Dropped ??= Insert(NoStack, null, 0, depth: 0) : NoStack;

        // The node cannot have changed since its callers were looked up, unless somebody writes into the file: what is used is checked.
        var entry = *session.Node(node);
        switch (entry.Code)
        {
            case WireFormat.NativeCode or WireFormat.OuterCode:
                return (nodes.Merged ??= MergedStacksOf(session, nodes, node)).Of(node);
            case WireFormat.InterpreterCode:
                return NoStack;
        }

        var caller = Known(nodes, ParentOf(session, node), session);
        return entry.Code is WireFormat.ExpressionCode or WireFormat.EntryCode ? caller : AddFrame(session, node, nodes, caller);
    }

    private static long Known(NodeStacks nodes, uint node, SessionFile session) =>
        nodes.Has(node) ? nodes[node] : throw session.Damaged($"stack {node} has changed");

    private static uint ParentOf(SessionFile session, uint node) =>
        session.Node(node)->Parent is var parent && parent < node ? parent : throw session.Damaged($"the caller of stack {node} is {parent}");

    private static bool IsMerged(SessionFile session, uint node) => session.Node(node)->Code is WireFormat.NativeCode or WireFormat.OuterCode;

    private MergedStacks MergedStacksOf(SessionFile session, NodeStacks nodes, uint node) => session.CFrameCount == 0
        ? throw session.Damaged($"stack {node} has C frames")
        : new(session, new NativeCodes(session, AddNativeCode), (each, caller) => AddFrame(session, each, nodes, caller), (caller, code) => Below(new StackKey((int)caller, (int)code, 0)));

    private long AddFrame(SessionFile session, uint node, NodeStacks nodes, long caller)
    {
        var entry = *session.Node(node);
        if (entry.Line > int.MaxValue)
            throw session.Damaged($"the line of stack {node} is {entry.Line}");

        ref var code = ref nodes.Code(session, entry.Code, node);
        if (code == 0)
            code = AddCode(session, *session.Code(entry.Code));

        return Below(new StackKey((int)caller, code, entry.Line));
    }

    private long Below(StackKey key)
    {
        ref var stack = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbers.Stacks, key, out var isKnown);
        if (!isKnown)
            stack = Insert(key.Caller, key.Code, key.Line, _numbers.Depths[key.Caller] + 1);

        return stack;
    }

    private int Insert(long caller, long? code, uint line, int depth)
    {
        var stack = _numbers.Depths.Count;
        _stack.Add(stack, caller, code, line, depth);
        _numbers.Depths.Add(depth);
        return stack;
    }

    private int AddCode(SessionFile session, CodeEntry entry)
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

    private int AddCode(CodeKey key)
    {
        ref var code = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbers.Codes, key, out var isKnown);
        if (!isKnown)
        {
            code = _numbers.Codes.Count;
            _code.Add(code, key.Filename, key.Name, key.Qualname, key.FirstLine);
        }

        return code;
    }
}
