using System.Globalization;

namespace AllocTrace.Report.Render;

/// <summary>Numbers for people, the same in every locale.</summary>
internal static class Numbers
{
    public static string Whole(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    public static string Percent(long part, long whole) =>
        whole == 0 ? "" : (100.0 * part / whole).ToString("F1", CultureInfo.InvariantCulture) + "%";

    /// <summary>A number with its noun: <c>1 block</c>, <c>2 blocks</c>.</summary>
    public static string Of(long number, string noun, string? plural = null) =>
        $"{Whole(number)} {(number == 1 ? noun : plural ?? noun + "s")}";

    public static string Seconds(long nanoseconds)
    {
        var seconds = nanoseconds / 1e9;
        return seconds.ToString(seconds < 10 ? "F2" : "F1", CultureInfo.InvariantCulture) + " s";
    }
}
