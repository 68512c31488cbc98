using AllocTrace.Platform;
using AllocTrace.Storage;

namespace AllocTrace.Report.Export.Lake;

/// <summary>
/// Names the files of a recording's rows: one file, or a folder that is partitioned by service and date, as Hive, Spark, Trino and DuckDB
/// name partitions.
/// </summary>
internal static class LakeFiles
{
    /// <summary>Writes one file.</summary>
    /// <exception cref="IOException">It cannot be written, or exists.</exception>
    public static void Write(LakeExport export, IReadOnlyList<LakeProcess> processes, string path, bool replace) =>
        NewFile.Write(path, replace, stream => export.Write(processes, isPartitioned: false, Seekable(stream, path)));

    /// <summary>
    /// Writes <c>service=NAME/date=YYYY-MM-DD/HOST-RECORDING.parquet</c> in a folder, a file for each service and date. Each has its name when it is
    /// complete; the same recording exported again has the same names.
    /// </summary>
    /// <exception cref="IOException">A file cannot be written, or exists. Those before it are complete.</exception>
    public static IReadOnlyList<string> WritePartitions(LakeExport export, IReadOnlyList<LakeProcess> processes, TraceDatabase database, string folder, bool replace)
    {
        var written = new List<string>();
        using var held = new HeldFolders();
        Directory.CreateDirectory(folder);
        var place = held.Hold(Path.GetFullPath(folder));
        foreach (var part in processes.GroupBy(owner => (owner.Service, owner.Host, Date: LakeWriter.DateOf(owner.Process))))
        {
            var target = held.HoldWithin(held.HoldWithin(place, $"service={Escape(part.Key.Service)}"), $"date={part.Key.Date}");
            var path = Path.Combine(target, $"{Escape(part.Key.Host)}-{Escape(Path.GetFileNameWithoutExtension(database.Path))}.parquet");
            Write(path, stream => export.Write([.. part], isPartitioned: true, stream));
            written.Add(held.Shown(path));
        }

        return written;

        void Write(string path, Action<Stream> write)
        {
            try
            {
                NewFile.Write(path, replace, write);
            }
            catch (IOException e) when (HeldFolders.IsHeld(path))
            {
                throw new IOException(held.Shown(e.Message), e);
            }
        }
    }

    /// <summary>A name as a part of a path: readers undo the escapes of a partition's value.</summary>
    private static string Escape(string name) => name is "." or ".." or "" ? $"%{(name == "" ? "00" : "2E")}" : Uri.EscapeDataString(name);

    private static Stream Seekable(Stream stream, string path) =>
        stream.CanSeek ? stream : throw new IOException($"{path} is no file: Parquet files end with their index, so they are written to a file");
}
