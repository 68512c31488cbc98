using AllocTrace.Wire;

namespace AllocTrace.Storage;

/// <summary>An amount that a site allocated in a slice for a span.</summary>
/// <param name="Slice">The slice, an index.</param>
/// <param name="Site">The site, an index.</param>
/// <param name="Span">The span.</param>
/// <param name="Allocated">The amount.</param>
internal readonly record struct SpanChange(int Slice, int Site, SpanContext Span, MemoryAmount Allocated);

/// <summary>Reads what samples allocated for spans. Most recordings have no table of them.</summary>
internal static class SpanReader
{
    public static SpanChange[] Read(TraceDatabase database, ReadConnection connection)
    {
        if (MetadataReader.Read(connection, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'slice_span'", _ => true).Length == 0)
            return [];

        var slices = database.Slices.Index().ToDictionary(slice => slice.Item.Id, slice => slice.Index);
        return MetadataReader.Read(
            connection,
            "SELECT slice, site, trace_id, span_id, allocated_bytes, allocated_blocks FROM slice_span ORDER BY slice, site, trace_id, span_id",
            row => new SpanChange(
                TraceDatabase.Existing(database.Path, slices.GetValueOrDefault(row.CheckedInt64(0), -1), row.CheckedInt64(0), "slice"),
                TraceDatabase.Existing(database.Path, database.Sites.IndexOf(row.CheckedInt64(1)), row.CheckedInt64(1), "site"),
                SpanContext.Parse(row.Text(2), row.Text(3)),
                new MemoryAmount(row.CheckedInt64(4), row.CheckedInt64(5))));
    }
}
