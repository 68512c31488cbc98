using AllocTrace.Wire;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Reads the allocations of certain sizes in domain obj with their stacks, directly from the records: no collector and no database.
/// </summary>
internal static unsafe class RecordedStacks
{
    private static readonly int[] _words = [0, 2, 2, 2, 1, 1, 1, 2, 2, 3, 3, 3, 3];

    /// <summary>Returns size in bytes, interpreter, and frames <c>file:line function</c>, oldest first, thread by thread.</summary>
    public static List<(ulong Size, uint Interpreter, List<string> Frames)> Read(string path, Predicate<ulong> isWanted)
    {
        using var session = SessionFile.TryOpen(path, shared: false)!;
        var result = new List<(ulong, uint, List<string>)>();
        for (uint slot = 0; slot < session.ThreadCount; slot++)
        {
            var thread = session.Thread(slot);
            var slab = session.Slab(thread->FirstSlab);
            while (true)
            {
                var isLast = thread->Cursor / WireFormat.SlabBytes == slab->Sequence;
                var end = (byte*)slab + (isLast ? thread->Cursor % WireFormat.SlabBytes : slab->Used);
                for (var record = (ulong*)(slab + 1); record < end; record += _words[*record >> 60])
                {
                    if (*record >> 60 is 1 or 2 or 3 && (*record >> 56 & 15) == 2 && isWanted(record[1] & uint.MaxValue))
                        result.Add((record[1] & uint.MaxValue, session.InterpreterOf((uint)(record[1] >> 32)), Frames(session, (uint)(record[1] >> 32))));
                }
                if (isLast)
                    break;
                slab = session.Slab(slab->Next);
            }
        }
        return result;
    }

    private static List<string> Frames(SessionFile session, uint node)
    {
        var frames = new List<string>();
        if (node > 1 && session.Node(node)->Code == WireFormat.ExpressionCode)
            node = session.Node(node)->Parent;

        for (; node > 1 && session.Node(node)->Code != WireFormat.InterpreterCode; node = session.Node(node)->Parent)
        {
            var code = session.Code(session.Node(node)->Code);
            frames.Add($"{session.String(code->Filename)}:{session.Node(node)->Line} {session.String(code->Qualname)}");
        }
        frames.Reverse();
        return frames;
    }
}
