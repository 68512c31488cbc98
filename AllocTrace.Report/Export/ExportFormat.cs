namespace AllocTrace.Report.Export;

/// <summary>The formats of <c>alloctrace export</c>.</summary>
internal enum ExportFormat
{
    /// <summary>Comma-separated values, for spreadsheets and scripts.</summary>
    Csv,
}
