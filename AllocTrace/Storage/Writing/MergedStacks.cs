using AllocTrace.Wire;

namespace AllocTrace.Storage;

/// <summary>
/// Makes one stack of a Python stack and the C segments between its frames. A session has both as numbers: the segment that called the allocator, and a
/// list of those outside of the interpreter's loops, the innermost first, which belong where C called the interpreter.
/// </summary>
/// <param name="session">The session of the stacks.</param>
/// <param name="codes">Names C frames.</param>
/// <param name="frame">The stack of a Python node's frame below a caller's stack.</param>
/// <param name="below">The stack of a C function below a caller's stack.</param>
internal sealed unsafe class MergedStacks(SessionFile session, NativeCodes codes, Func<uint, long, long> frame, Func<long, long, long> below)
{
    private readonly Dictionary<(uint Node, uint List), long> _python = [];
    private readonly Dictionary<(long Stack, uint Segment), long> _segments = [];

    /// <summary>The stack that a node stands for.</summary>
    /// <exception cref="InvalidTraceException">What it refers to does not exist.</exception>
    public long Of(uint node)
    {
        var (list, segment) = (0u, 0u);
        var entry = *session.Node(node);
        if (entry.Code == WireFormat.OuterCode)
        {
            list = entry.Line;
            node = Smaller(entry.Parent, node, "caller of stack");
            entry = node >= WireFormat.FirstNode ? *session.Node(node) : default;
        }

        if (node >= WireFormat.FirstNode && entry.Code == WireFormat.NativeCode)
        {
            segment = entry.Line;
            node = Smaller(entry.Parent, node, "caller of stack");
        }

        return AddSegment(OfPython(node, list), segment);
    }

    /// <summary>The stack of a Python node, with a list of segments where C called the interpreter.</summary>
    private long OfPython(uint node, uint list)
    {
        var path = new List<(uint Node, uint List)>();
        long stack;
        for (; ; )
        {
            var isRoot = node < WireFormat.FirstNode || session.Node(node)->Code == WireFormat.InterpreterCode;
            if (isRoot || _python.TryGetValue((node, list), out stack))
            {
                stack = isRoot ? AddList(list) : _python[(node, list)];
                break;
            }

            path.Add((node, list));
            if (session.Node(node)->Code == WireFormat.EntryCode && list != 0)
                list = Smaller(Element(list).Parent, list, "list of segments of");

            node = Smaller(session.Node(node)->Parent, node, "caller of stack");
        }

        for (var i = path.Count - 1; i >= 0; i--)
        {
            var (at, its) = path[i];
            stack = session.Node(at)->Code switch
            {
                WireFormat.ExpressionCode => stack,
                WireFormat.EntryCode => its == 0 ? stack : AddSegment(stack, (uint)Element(its).Offset),
                _ => frame(at, stack),
            };
            _python[(at, its)] = stack;
        }

        return stack;
    }

    /// <summary>Adds the C frames outside of all Python frames.</summary>
    private long AddList(uint list)
    {
        var segments = new List<uint>();
        for (; list != 0; list = Smaller(Element(list).Parent, list, "list of segments of"))
            segments.Add((uint)Element(list).Offset);

        long stack = 0;
        for (var i = segments.Count - 1; i >= 0; i--)
            stack = AddSegment(stack, segments[i]);

        return stack;
    }

    private long AddSegment(long stack, uint segment)
    {
        if (segment < WireFormat.FirstCFrame)
            return stack;
        if (_segments.TryGetValue((stack, segment), out var known))
            return known;

        var frames = new List<uint>();
        for (var at = segment; at >= WireFormat.FirstCFrame; at = Smaller(CFrame(at).Parent, at, "caller of C frame"))
            frames.Add(at);

        var result = stack;
        for (var i = frames.Count - 1; i >= 0; i--)
            result = below(result, codes.Of(CFrame(frames[i])));

        _segments.Add((stack, segment), result);
        return result;
    }

    private CFrame Element(uint list) => CFrame(list) is { Image: WireFormat.SegmentImage } element && element.Offset < list
        ? element
        : throw session.Damaged($"C frame {list} is no list of segments");

    private CFrame CFrame(uint number) => number >= WireFormat.FirstCFrame && number < session.CFrameCount
        ? *session.CFrame(number)
        : throw session.Damaged($"there is no C frame {number}");

    private uint Smaller(uint number, uint than, string what) =>
        number < than ? number : throw session.Damaged($"the {what} {than} is {number}");
}
