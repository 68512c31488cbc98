using System.Globalization;
using AllocTrace.Analysis;

namespace AllocTrace.Report.Render;

/// <summary>Formats numbers, the same in every locale.</summary>
internal static class Numbers
{
    public static string Whole(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A size for the eye and for the record: <c>9820 KiB (10,056,000 B)</c>; once when it is short.</summary>
    public static string Size(long bytes)
    {
        var size = ByteSize.Format(bytes);
        return size.EndsWith(" B", StringComparison.Ordinal) ? size : $"{size} ({Whole(bytes)} B)";
    }

    /// <summary>A difference: <c>+1</c>, <c>-1,000</c>, <c>+0</c>.</summary>
    public static string Signed(long number) => number.ToString("+#,0;-#,0;+0", CultureInfo.InvariantCulture);

    /// <summary>A difference of sizes, for the eye and for the record.</summary>
    public static string Growth(long bytes)
    {
        var size = ByteSize.Format(bytes, sign: true);
        return size.EndsWith(" B", StringComparison.Ordinal) ? size : $"{size} ({Signed(bytes)} B)";
    }

    /// <summary>Returns the error of an estimate, to follow it; empty if there is none.</summary>
    public static string Error(long bytes) => bytes == 0 ? "" : $" ± {ByteSize.Format(bytes)}";

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
