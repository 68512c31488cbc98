namespace AllocTrace.Stacks;

/// <summary>From an instruction to its line: what src/python/line_table.c does, where the formats' sources are named.</summary>
internal static class LineTable
{
    /// <summary>Returns the line of a code unit of two bytes; negative if it has none. Terminates for any content of the table.</summary>
    public static int Line(LineFormat format, ReadOnlySpan<byte> table, int firstLine, int unit) => format switch
    {
        LineFormat.Lnotab => Lnotab(table, firstLine, unit),
        LineFormat.Linetable => Linetable(table, firstLine, unit),
        _ => Locations(table, firstLine, unit),
    };

    private static int Lnotab(ReadOnlySpan<byte> table, int line, int unit)
    {
        var address = 0;
        for (var i = 0; i + 1 < table.Length; i += 2)
        {
            address += table[i];
            if (unit < address / 2)
                return line;

            line += (sbyte)table[i + 1];
        }

        return line;
    }

    private static int Linetable(ReadOnlySpan<byte> table, int line, int unit)
    {
        const sbyte NoLine = -128;
        var address = 0;
        for (var i = 0; i + 1 < table.Length; i += 2)
        {
            var delta = (sbyte)table[i + 1];
            address += table[i];
            line += delta == NoLine ? 0 : delta;
            if (unit < address / 2)
                return delta == NoLine ? -1 : line;
        }

        return -1;
    }

    private static int Locations(ReadOnlySpan<byte> table, int line, int unit)
    {
        const int OneLine = 10, NoColumns = 13, LongForm = 14, NoLocation = 15;
        for (var reached = 0; !table.IsEmpty;)
        {
            var (code, units) = (table[0] >> 3 & 15, (table[0] & 7) + 1);
            table = table[1..];
            switch (code)
            {
                case LongForm:
                    line = unchecked(line + Signed(Varint(ref table)));
                    Varint(ref table);
                    Varint(ref table);
                    Varint(ref table);
                    break;
                case NoColumns:
                    line = unchecked(line + Signed(Varint(ref table)));
                    break;
                case NoLocation:
                    break;
                case >= OneLine:
                    line += code - OneLine;
                    table = table[Math.Min(2, table.Length)..];
                    break;
                default:
                    table = table[Math.Min(1, table.Length)..];
                    break;
            }

            reached += units;
            if (unit < reached)
                return code == NoLocation ? -1 : line;
        }

        return -1;
    }

    private static uint Varint(ref ReadOnlySpan<byte> table)
    {
        var value = 0u;
        for (var shift = 0; !table.IsEmpty; shift += 6)
        {
            var next = table[0];
            table = table[1..];
            if (shift < 32)
                value |= (uint)(next & 63) << shift;
            if ((next & 64) == 0)
                break;
        }

        return value;
    }

    private static int Signed(uint value) => unchecked((int)((value & 1) != 0 ? 0u - (value >> 1) : value >> 1));
}
