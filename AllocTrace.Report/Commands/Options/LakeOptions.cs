using System.CommandLine;
using AllocTrace.Report.Export;
using AllocTrace.Report.Export.Lake;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>The options of <c>export --format parquet</c>.</summary>
internal sealed class LakeOptions
{
    private readonly Option<bool> _partition = new("--partition") { Description = "With parquet: write into the folder -o, partitioned as service=NAME/date=YYYY-MM-DD." };
    private readonly Option<bool> _slices = new("--slices") { Description = "With parquet: also write the allocations of each site in each time slice." };
    private readonly Option<string?> _service = new("--service") { Description = "With parquet: the service of the processes. [default: the name of the program]", HelpName = "NAME" };
    private readonly Option<string?> _host = new("--host") { Description = "With parquet: the machine on which the recording was made. [default: this one]", HelpName = "NAME" };

    /// <param name="command">Gets the options.</param>
    public LakeOptions(Command command)
    {
        foreach (var option in (Option[])[_partition, _slices, _service, _host])
            command.Add(option);
    }

    /// <summary>Rejects the options with other formats.</summary>
    /// <exception cref="UsageException">One of them was given.</exception>
    public void Check(ParseResult parsed, ExportFormat format)
    {
        if (format == ExportFormat.Parquet)
            return;

        foreach (var option in (Option[])[_partition, _slices, _service, _host])
        {
            if (parsed.GetResult(option) is { Implicit: false })
                throw new UsageException($"{option.Name} needs --format parquet");
        }
    }

    /// <summary>Writes what was asked for.</summary>
    /// <returns>The exit code.</returns>
    public int Write(ParseResult parsed, TraceDatabase database, SnapshotOptions selection, string path, bool replace, Output output)
    {
        if (selection.IsViewGiven(parsed))
            throw new UsageException("parquet has a row for each site and moment: --view and --at have no meaning for it");

        if (path == "-")
            throw new UsageException("parquet is written to a file: give -o FILE");

        var host = parsed.GetValue(_host) ?? Environment.MachineName;
        LakeProcess[] processes = [.. database.ProcessesWith(selection.Pid(parsed)).Select(process => new LakeProcess(parsed.GetValue(_service) ?? ServiceName.Of(process), host, process))];
        var export = new LakeExport(database, [.. selection.Filters(parsed)], parsed.GetValue(_slices));
        if (!parsed.GetValue(_partition))
        {
            LakeFiles.Write(export, processes, path, replace);
            return ExitCode.Done;
        }

        foreach (var file in LakeFiles.WritePartitions(export, processes, database, path, replace))
            output.Error.WriteLine($"alloctrace: wrote {Printable.Text(file)}");

        return ExitCode.Done;
    }
}
