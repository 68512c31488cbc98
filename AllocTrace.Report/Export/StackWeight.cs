using AllocTrace.Storage;

namespace AllocTrace.Report.Export;

/// <summary>The unit in which a stack is weighed.</summary>
internal enum StackWeight
{
    /// <summary>Bytes as requested by the program.</summary>
    Bytes,

    /// <summary>Allocations.</summary>
    Blocks,
}

/// <summary>Weighs sites.</summary>
internal static class StackWeights
{
    public static long Of(this StackWeight weight, in Site site) => weight == StackWeight.Bytes ? site.Bytes : site.Blocks;
}
