namespace AllocTrace.Stacks;

/// <summary>A code object of another process.</summary>
internal sealed class RemoteCode
{
    public required string Filename { get; init; }

    public required string Name { get; init; }

    public required int FirstLine { get; init; }

    public required byte[] LineTable { get; init; }

    public required long BytecodeBytes { get; init; }

    /// <summary>Bytes; frames before it have not begun.</summary>
    public required int FirstTraceable { get; init; }

    /// <summary>Free-threaded 3.14 and later: the address of the threads' copies of the bytecode.</summary>
    public required ulong Copies { get; init; }

    /// <summary>Returns the line at an offset in bytes; 0 if it has none.</summary>
    public int Line(LineFormat format, long offset)
    {
        if (offset < 0)
            return FirstLine;

        var line = Stacks.LineTable.Line(format, LineTable, FirstLine, (int)(offset / 2));
        return Math.Max(line, 0);
    }
}
