using System.CommandLine;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Commands;

/// <summary>The options <c>--json</c> and <c>--csv</c> of a verb: chooses the format of its report, which is text without them.</summary>
internal sealed class ReportFormat
{
    public Option<bool> Json { get; init; } = new("--json") { Description = "Write JSON." };

    public Option<bool> Csv { get; } = new("--csv") { Description = "Write CSV." };

    /// <summary>Rejects <c>--json --csv</c>.</summary>
    public void Validate(Command command) => ReportArguments.AtMostOne(command, Json, Csv);

    /// <summary>Writes a report in the format that was asked for.</summary>
    public void Write(ParseResult parsed, IReport report, Output output)
    {
        if (parsed.GetResult(Json) is not null && parsed.GetValue(Json))
            report.WriteJson(output.Out);
        else if (parsed.GetResult(Csv) is not null && parsed.GetValue(Csv))
            report.WriteCsv(output);
        else
            report.WriteText(output);
    }
}
