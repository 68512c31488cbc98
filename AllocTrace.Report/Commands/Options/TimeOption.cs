using System.CommandLine;
using System.Globalization;

namespace AllocTrace.Report.Commands;

/// <summary>Options whose value is a length of time: <c>15s</c>, <c>500ms</c>, <c>24h</c>.</summary>
internal static class TimeOption
{
    private static readonly (string Unit, TimeSpan Length)[] _units =
        [("ms", TimeSpan.FromMilliseconds(1)), ("s", TimeSpan.FromSeconds(1)), ("m", TimeSpan.FromMinutes(1)), ("h", TimeSpan.FromHours(1)), ("d", TimeSpan.FromDays(1))];

    /// <summary>Creates an option whose value is <see langword="null"/> unless it is given.</summary>
    /// <param name="name">The name of the option.</param>
    /// <param name="description">Its description.</param>
    /// <param name="usual">The default, for the description.</param>
    /// <param name="least">The shortest time.</param>
    public static Option<TimeSpan?> Create(string name, string description, TimeSpan usual, TimeSpan least) => new(name)
    {
        Description = $"{description} [default: {Format(usual)}]",
        HelpName = "TIME",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (TryParse(text, out var time) && time >= least)
                return time;

            result.AddError($"{name} cannot be '{text}': give a time of {Format(least)} or more, for example {Format(usual)}");
            return null;
        },
    };

    private static string Format(TimeSpan time)
    {
        var (unit, length) = _units.Last(each => time.Ticks % each.Length.Ticks == 0 && each.Unit != "d");
        return $"{time / length}{unit}";
    }

    private static bool TryParse(string text, out TimeSpan time)
    {
        time = default;
        var digits = text.AsSpan().IndexOfAnyExcept("0123456789.") is var end and >= 0 ? end : text.Length;
        var unit = Array.Find(_units, each => each.Unit == text[digits..].Trim());
        if (unit.Unit is null || !double.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) || number * unit.Length.TotalDays > 10_000)
            return false;

        time = unit.Length * number;
        return true;
    }
}
