using AllocTrace.Storage;

namespace AllocTrace.Report.Export.Lake;

/// <summary>The time of a row: a snapshot, or a period.</summary>
/// <param name="Kind"><c>peak</c>, <c>live</c> or <c>named</c> for a moment; <c>total</c> for the whole recording, <c>slice</c> for a slice of its time.</param>
/// <param name="Name">The name of a named moment.</param>
/// <param name="FromNs">
/// The beginning of the period, or the time of the snapshot, in nanoseconds since the recording of the process began.
/// </param>
/// <param name="AtNs">The moment, or when the stretch ended.</param>
internal readonly record struct LakeMoment(string Kind, string Name, long FromNs, long AtNs);

/// <summary>A process, and the service and host that it belongs to.</summary>
internal sealed record LakeProcess(string Service, string Host, TraceProcess Process);

/// <summary>One site at one moment: a row of the files.</summary>
/// <param name="Owner">The owner of the site.</param>
/// <param name="Moment">The moment.</param>
/// <param name="Thread">The thread that allocated.</param>
/// <param name="Domain">The allocator domain.</param>
/// <param name="Stack">An index in the stacks of the recording.</param>
/// <param name="Live">The live amount at the end.</param>
/// <param name="Allocated">The amount allocated in the period.</param>
/// <param name="Freed">The amount freed in the period.</param>
/// <param name="Temporary">The temporary amount.</param>
internal readonly record struct LakeRow(
    LakeProcess Owner, LakeMoment Moment, TraceThread Thread, string Domain, int Stack, MemoryAmount Live, MemoryAmount Allocated, MemoryAmount Freed, MemoryAmount Temporary);
