using System.Globalization;

namespace AllocTrace.Analysis;

/// <summary>Formats sizes for people, as tracemalloc does.</summary>
internal static class ByteSize
{
    private static readonly string[] _units = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>
    /// Formats a number of bytes: bytes up to 10,239 B, then the largest unit that leaves at most four digits, with one decimal below 100.
    /// </summary>
    /// <param name="bytes">The size; may be negative or, for averages, a fraction.</param>
    /// <param name="sign">True to write the <c>+</c> of sizes that are not negative.</param>
    public static string Format(double bytes, bool sign = false)
    {
        var size = bytes;
        for (var unit = 0; ; unit++)
        {
            var decimals = Math.Abs(size) < 100 && unit > 0 ? 1 : 0;
            if (decimals == 1 || Math.Abs(size) < 10 * 1024 || unit == _units.Length - 1)
                return $"{Digits(size, decimals, sign)} {_units[unit]}";

            size /= 1024;
        }
    }

    // .NET rounds exact ties (12.5 B) to the even digit, as Python does.
    private static string Digits(double value, int decimals, bool sign)
    {
        var text = value.ToString(decimals == 1 ? "F1" : "F0", CultureInfo.InvariantCulture);
        return sign && !text.StartsWith('-') ? "+" + text : text;
    }
}
