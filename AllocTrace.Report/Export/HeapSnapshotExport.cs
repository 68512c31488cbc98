using System.IO.Compression;
using AllocTrace.Storage;

namespace AllocTrace.Report.Export;

/// <summary>
/// <c>export --format heapsnapshot</c>. The tables have sums, not the graph; the file was made with the snapshot, and is in the recording
/// unchanged.
/// </summary>
internal static class HeapSnapshotExport
{
    /// <exception cref="UsageException">The graph of this snapshot was not kept.</exception>
    public static void Write(TraceDatabase database, TraceSnapshot snapshot, Stream target)
    {
        using var compressed = new MemoryStream();
        if (!database.CopyGraph(snapshot, compressed))
            throw new UsageException($"{database.Path}: the graph of snapshot '{(snapshot.IsNamed ? snapshot.Name : snapshot.Kind.Word())}' was not kept: it has too many objects");

        compressed.Position = 0;
        using var content = new GZipStream(compressed, CompressionMode.Decompress);
        try
        {
            content.CopyTo(target);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidTraceException(database.Path, $"damaged: the graph of snapshot '{(snapshot.IsNamed ? snapshot.Name : snapshot.Kind.Word())}': {e.Message}", e);
        }
    }
}
