using AllocTrace.Report.Render;

namespace AllocTrace.Report.Commands;

/// <summary>A report: the same contents in each format. A verb offers the formats that its report has (<see cref="ReportFormat"/>).</summary>
internal interface IReport
{
    /// <summary>Writes the report as text.</summary>
    void WriteText(Output output);

    /// <summary>Writes it as one JSON object.</summary>
    /// <exception cref="NotSupportedException">The report has no JSON.</exception>
    void WriteJson(TextWriter target) => throw new NotSupportedException();

    /// <summary>Writes it as rows.</summary>
    /// <exception cref="NotSupportedException">The report has no CSV.</exception>
    void WriteCsv(Output output) => throw new NotSupportedException();
}
