namespace AllocTrace.Objects;

/// <summary>The data symbols of a mapped file, by address.</summary>
internal sealed class StaticSymbols
{
    private readonly (ulong Address, ulong Bytes, string Name)[] _symbols;

    private StaticSymbols((ulong, ulong, string)[] symbols) => _symbols = symbols;

    /// <summary>Reads the symbols of a file that an image maps.</summary>
    /// <returns><see langword="null"/> when the file cannot be read or is damaged.</returns>
    public static StaticSymbols? TryRead(IMemoryImage image, string file)
    {
        try
        {
            if (ElfImage.TryOpen(image.FileRoot + file, allSymbols: true) is not { } elf || image.Regions.FirstOrDefault(region => region.Path == file) is not { } first)
                return null;

            var bias = first.Start - first.Offset - elf.FirstAddress;
            var symbols = elf.DataSymbols().Select(symbol => (symbol.Address + bias, symbol.Bytes, symbol.Name)).ToArray();
            Array.Sort(symbols, (one, other) => one.Item1.CompareTo(other.Item1));
            return new StaticSymbols(symbols);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Returns the symbol that covers an address; <see langword="null"/> when none does.</summary>
    public (ulong Address, string Name)? Find(ulong address)
    {
        var (low, high) = (0, _symbols.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_symbols[middle].Address <= address)
                low = middle + 1;
            else
                high = middle;
        }

        if (low == 0)
            return null;

        var symbol = _symbols[low - 1];
        return address - symbol.Address >= symbol.Bytes ? null : (symbol.Address, symbol.Name);
    }
}
