namespace AllocTrace.Report.Export;

/// <summary>The formats of <c>alloctrace export</c>.</summary>
internal enum ExportFormat
{
    /// <summary>Comma-separated values, for spreadsheets and scripts.</summary>
    Csv,

    /// <summary>A stack a line, for flamegraph.pl and the like.</summary>
    Collapsed,

    /// <summary>JSON for speedscope.</summary>
    Speedscope,

    /// <summary>A compressed profile for <c>go tool pprof</c>, Pyroscope and the like.</summary>
    Pprof,

    /// <summary>A file for <c>tracemalloc.Snapshot.load</c>.</summary>
    Tracemalloc,

    /// <summary>The objects and references of a snapshot, for the memory panel of Chromium's developer tools.</summary>
    Heapsnapshot,

    /// <summary>Apache Parquet, for engines that read many recordings at once.</summary>
    Parquet,
}
