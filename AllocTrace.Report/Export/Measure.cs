using AllocTrace.Storage;

namespace AllocTrace.Report.Export;

/// <summary>The measure that weighs a stack.</summary>
internal enum Measure
{
    /// <summary>Bytes as requested by the program.</summary>
    Bytes,

    /// <summary>Allocations.</summary>
    Blocks,
}

/// <summary>Takes the measure of sites.</summary>
internal static class Measures
{
    public static long Of(this Measure measure, in Site site) => measure == Measure.Bytes ? site.Bytes : site.Blocks;
}
