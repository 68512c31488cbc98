namespace AllocTrace.Symbols;

/// <summary>The functions of a file by address. Immutable, so several threads may use one.</summary>
internal sealed class FunctionTable
{
    /// <summary>The number of symbols before an address to read, because symbols may lie within each other.</summary>
    private const int LookedAt = 16;

    private readonly (ulong Start, ulong End, string Name)[] _symbols;
    private readonly ulong[] _starts;

    /// <param name="image">The file.</param>
    /// <param name="debug">The file with its symbols, if they are in another one.</param>
    /// <exception cref="IOException">A file is damaged.</exception>
    public FunctionTable(ElfImage image, ElfImage? debug)
    {
        var symbols = image.Functions().Concat(debug?.Functions() ?? []);
        _symbols = [.. symbols
            .GroupBy(symbol => symbol.Address)
            .Select(same => same.OrderByDescending(symbol => symbol.IsGlobal).ThenBy(symbol => Underscores(symbol.Name)).ThenBy(symbol => symbol.Name.Length).ThenBy(symbol => symbol.Name, StringComparer.Ordinal).First())
            .OrderBy(symbol => symbol.Address)
            .Select(symbol => (symbol.Address, symbol.Address + symbol.Size, symbol.Name))];
        _starts = image.FunctionStarts();
    }

    /// <summary>Finds the function that has an address.</summary>
    public FunctionName Find(ulong address)
    {
        var start = StartOf(address);
        var place = LastAt(_symbols, symbol => symbol.Start, address);
        for (var i = place; i >= 0 && i > place - LookedAt; i--)
        {
            var (begin, end, name) = _symbols[i];
            if (address < end || (begin == end && i == place && (start is null || start <= begin)))
                return new FunctionName(begin, name);
        }

        return new FunctionName(start ?? address, null);
    }

    private static int Underscores(string name) => name.Length - name.TrimStart('_').Length;

    private ulong? StartOf(ulong address) => LastAt(_starts, start => start, address) is var place and >= 0 ? _starts[place] : null;

    private static int LastAt<T>(T[] sorted, Func<T, ulong> start, ulong address)
    {
        var (low, high) = (0, sorted.Length);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (start(sorted[middle]) <= address)
                low = middle + 1;
            else
                high = middle;
        }

        return low - 1;
    }
}
