using System.CommandLine;
using System.Globalization;

namespace AllocTrace.Report.Commands;

/// <summary>Options whose value is a size: <c>200MiB</c>, <c>1.5G</c>, <c>4096</c>.</summary>
internal static class SizeOption
{
    private static readonly Dictionary<string, double> _units = new(StringComparer.OrdinalIgnoreCase)
    {
        [""] = 1,
        ["B"] = 1,
        ["K"] = 1L << 10,
        ["KiB"] = 1L << 10,
        ["M"] = 1L << 20,
        ["MiB"] = 1L << 20,
        ["G"] = 1L << 30,
        ["GiB"] = 1L << 30,
        ["T"] = 1L << 40,
        ["TiB"] = 1L << 40,
        ["KB"] = 1e3,
        ["MB"] = 1e6,
        ["GB"] = 1e9,
        ["TB"] = 1e12,
    };

    /// <summary>An option without a default: <see langword="null"/> when it is not given.</summary>
    public static Option<long?> Create(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result =>
        {
            if (TryParse(result.Tokens[0].Value, out var bytes))
                return bytes;

            result.AddError($"{name} cannot be '{result.Tokens[0].Value}': give a size, for example 200MiB or 1.5G");
            return null;
        },
    };

    internal static bool TryParse(string text, out long bytes)
    {
        var digits = text.AsSpan().IndexOfAnyExcept("0123456789.") is var end and >= 0 ? end : text.Length;
        bytes = 0;
        if (!_units.TryGetValue(text[digits..].Trim(), out var unit)
            || !double.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            || number * unit >= long.MaxValue)
        {
            return false;
        }

        bytes = (long)(number * unit);
        return true;
    }
}
