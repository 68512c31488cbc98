using System.Globalization;
using AllocTrace.Analysis;

namespace AllocTrace.Report.Render;

/// <summary>Formats the sizes of one table in one unit, the one that its largest size has: columns of figures can be compared at a glance.</summary>
internal sealed class SizeUnit
{
    private readonly string _unit;
    private readonly double _bytes;

    /// <param name="sizes">All sizes of the table, bytes.</param>
    public SizeUnit(IEnumerable<long> sizes)
    {
        var largest = sizes.Select(size => Math.Abs((double)size)).DefaultIfEmpty().Max();
        _unit = ByteSize.Format(largest).Split(' ')[1];
        _bytes = Math.Pow(1024, Array.IndexOf(["B", "KiB", "MiB", "GiB", "TiB"], _unit));
    }

    /// <summary>Formats a size; one that would be 0 in this unit, and is not, has a <c>&lt;</c>.</summary>
    public string Format(long bytes, bool sign = false)
    {
        var size = bytes / _bytes;
        var isWhole = _bytes == 1 || Math.Abs(size) >= 100;
        if (bytes != 0 && !isWhole && Math.Abs(size) < 0.05)
            return $"{(bytes < 0 ? "-" : sign ? "+" : "")}<0.1 {_unit}";

        var text = size.ToString(isWhole ? "F0" : "F1", CultureInfo.InvariantCulture);
        return $"{(sign && bytes >= 0 ? "+" : "")}{text} {_unit}";
    }
}
