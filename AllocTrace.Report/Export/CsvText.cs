using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using CsvHelper;

namespace AllocTrace.Report.Export;

/// <summary>
/// Writes CSV (RFC 4180, but with the line endings of Unix). A text that a spreadsheet would take for a formula gets an apostrophe in
/// front; on a terminal, what is not printable is replaced.
/// </summary>
internal sealed class CsvText : IDisposable
{
    private readonly CsvWriter _csv;
    private readonly bool _forTerminal;

    public CsvText(TextWriter target, bool forTerminal)
    {
        _forTerminal = forTerminal;
        var options = CsvWriterOptions.Default with { Injection = CsvInjection.Escape, NewLine = "\n" };
        _csv = CsvWriter.Create(target, options, leaveOpen: true);
    }

    /// <summary>A whole traceback in one cell, oldest frame first.</summary>
    public static string Cell(Traceback traceback) => string.Join("; ", traceback.Select(frame => Place.Describe(frame)));

    /// <summary>
    /// Writes the subject of a statistic: filename, lineno, function, traceback, domain, pid, thread_id, thread, command; those that do not apply are
    /// empty.
    /// </summary>
    /// <param name="statistic">The statistic.</param>
    /// <param name="whole">True if it stands for a whole traceback.</param>
    public static IEnumerable<object?> Cells(Statistic statistic, bool whole)
    {
        var frame = statistic.Traceback.Newest;
        return
        [
            frame?.Filename, frame?.LineNumber, frame?.Function, whole ? Cell(statistic.Traceback) : null, statistic.Domain, statistic.Process?.Pid,
            statistic.Thread?.OsId, statistic.Thread?.Name, statistic.Thread?.Interpreter, statistic.Process?.Command,
        ];
    }

    /// <summary>Writes the names of the columns.</summary>
    public void Header(params ReadOnlySpan<string> columns) => _csv.WriteHeader(columns);

    /// <summary>Writes a row: texts, numbers, and <see langword="null"/> for an empty cell.</summary>
    public void Row(params ReadOnlySpan<object?> cells)
    {
        foreach (var cell in cells)
            _csv.WriteField(_forTerminal && cell is string text ? Printable.Text(text) : cell);

        _csv.EndRecord();
    }

    public void Dispose() => _csv.Dispose();
}
