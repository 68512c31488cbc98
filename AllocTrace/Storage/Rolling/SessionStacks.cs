using AllocTrace.Wire;

namespace AllocTrace.Storage;

/// <summary>Finds the stacks of a session's nodes in a trie, and keeps what it found. Sessions are input from elsewhere: all is checked.</summary>
/// <param name="frames">Gets the stacks.</param>
internal sealed unsafe class SessionStacks(FrameTrie frames)
{
    private readonly Dictionary<uint, int> _stacks = [];
    private readonly Dictionary<uint, int> _codes = [];

    /// <summary>Returns the stack of a node.</summary>
    /// <exception cref="InvalidTraceException">The node, its caller or its code does not exist.</exception>
    public int StackOf(SessionFile session, uint node)
    {
        var path = new Stack<uint>();
        int stack;
        while (!_stacks.TryGetValue(node, out stack))
        {
            if (node < WireFormat.FirstNode)
            {
                stack = node == WireFormat.DroppedNode ? frames.NotKept : 0;
                break;
            }

            if (node >= session.NodeCount)
                throw session.Damaged($"there is no stack {node}");

            path.Push(node);
            var parent = session.Node(node)->Parent;
            if (parent >= node)
                throw session.Damaged($"the caller of stack {node} is {parent}");

            node = parent;
        }

        foreach (var each in path)
            _stacks[each] = stack = Add(session, stack, *session.Node(each));

        return stack;
    }

    private int Add(SessionFile session, int caller, StackNode node) => node.Code switch
    {
        WireFormat.InterpreterCode => 0,
        WireFormat.ExpressionCode => caller,
        _ => frames.Add(caller, CodeOf(session, node.Code), node.Line <= int.MaxValue ? node.Line : throw session.Damaged($"a line is {node.Line}")),
    };

    private int CodeOf(SessionFile session, uint code)
    {
        if (_codes.TryGetValue(code, out var number))
            return number;

        if (code >= session.CodeCount)
            throw session.Damaged($"there is no code {code}");

        var entry = *session.Code(code);
        if (entry.FirstLine > int.MaxValue)
            throw session.Damaged($"a function begins on line {entry.FirstLine}");

        return _codes[code] = frames.AddCode(new CodeKey(session.String(entry.Filename), session.String(entry.Qualname), entry.FirstLine, session.String(entry.Name)));
    }
}
