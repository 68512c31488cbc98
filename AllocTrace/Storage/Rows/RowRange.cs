namespace AllocTrace.Storage;

/// <summary>Rows of a table whose numbers are from <paramref name="First"/> to <paramref name="Last"/>.</summary>
internal readonly record struct RowRange(long First, long Last)
{
    private const long FewRows = 1 << 16;
    private const long MostParts = 64;
    private const ulong MostRows = 1 << 20;

    /// <summary>No row.</summary>
    public static readonly RowRange None = new(0, -1);

    /// <summary>The number of rows, without gaps; of more than can be divided, none.</summary>
    public int Count => Last >= First && (ulong)(Last - First) < MostRows ? (int)(Last - First) + 1 : 0;

    /// <summary>Divides the range for several threads; what is too small for that stays whole.</summary>
    public RowRange[] Split()
    {
        if (Last < First)
            return [];

        var rows = Math.Max(FewRows, ((Last - First) / MostParts) + 1);
        var parts = new RowRange[(int)((Last - First) / rows) + 1];
        for (var i = 0; i < parts.Length; i++)
            parts[i] = new RowRange(First + (i * rows), Math.Min(First + ((i + 1) * rows) - 1, Last));

        return parts;
    }

    /// <summary>The smallest range that also has <paramref name="row"/>.</summary>
    public RowRange With(long row) => Last < First ? new(row, row) : new(Math.Min(First, row), Math.Max(Last, row));
}
