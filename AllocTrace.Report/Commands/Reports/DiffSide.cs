using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>One side of a comparison.</summary>
/// <param name="Database">The recording.</param>
/// <param name="Snapshot">The part of it that is compared.</param>
/// <param name="Title">The view, or the name of the snapshot.</param>
internal sealed record DiffSide(TraceDatabase Database, Snapshot Snapshot, string Title);
