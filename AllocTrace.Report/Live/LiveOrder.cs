namespace AllocTrace.Report.Live;

/// <summary>The column by which rows are sorted.</summary>
internal enum LiveOrder
{
    /// <summary>Bytes alive.</summary>
    Size,

    /// <summary>Blocks alive.</summary>
    Count,

    /// <summary>Bytes allocated in a second, of late.</summary>
    Rate,

    /// <summary>Bytes of temporary blocks in a second, of late.</summary>
    Temporary,
}
