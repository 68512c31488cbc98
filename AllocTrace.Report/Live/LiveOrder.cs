namespace AllocTrace.Report.Live;

/// <summary>The column by which rows are sorted.</summary>
internal enum LiveOrder
{
    /// <summary>The live bytes.</summary>
    Size,

    /// <summary>The number of live blocks.</summary>
    Count,

    /// <summary>Bytes allocated in a second, of late.</summary>
    Rate,

    /// <summary>Bytes of temporary blocks in a second, of late.</summary>
    Temporary,
}
