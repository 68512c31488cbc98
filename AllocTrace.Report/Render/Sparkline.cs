namespace AllocTrace.Report.Render;

/// <summary>A series as a line of blocks, from 0 to its largest value.</summary>
internal static class Sparkline
{
    public const string Blocks = "▁▂▃▄▅▆▇█";

    public static string Of(IReadOnlyList<long> values)
    {
        var largest = Math.Max(values.Max(), 1);
        return string.Concat(values.Select(value => Blocks[(int)Math.Clamp(value * Blocks.Length / (double)largest, 0, Blocks.Length - 1)]));
    }
}
