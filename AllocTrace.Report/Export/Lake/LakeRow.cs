using AllocTrace.Storage;

namespace AllocTrace.Report.Export.Lake;

/// <summary>What a row is about: the state at a moment, or what happened in a stretch of time.</summary>
/// <param name="Kind"><c>peak</c>, <c>live</c> or <c>named</c> for a moment; <c>total</c> for the whole recording, <c>slice</c> for a slice of its time.</param>
/// <param name="Name">The name of a named moment.</param>
/// <param name="FromNs">When the stretch began, or the moment itself; nanoseconds since the process's recording began.</param>
/// <param name="AtNs">The moment, or when the stretch ended.</param>
internal readonly record struct LakeMoment(string Kind, string Name, long FromNs, long AtNs);

/// <summary>A process, and the service and host that it belongs to.</summary>
internal sealed record LakeProcess(string Service, string Host, TraceProcess Process);

/// <summary>One site at one moment: a row of the files.</summary>
/// <param name="Owner">Whose site it is.</param>
/// <param name="Moment">The moment.</param>
/// <param name="Thread">The thread that allocated.</param>
/// <param name="Domain">The allocator domain.</param>
/// <param name="Stack">An index in the stacks of the recording.</param>
/// <param name="Live">What is alive at the moment.</param>
/// <param name="Allocated">What was allocated in the stretch.</param>
/// <param name="Freed">What was freed in it.</param>
/// <param name="Temporary">What was freed at once.</param>
internal readonly record struct LakeRow(
    LakeProcess Owner, LakeMoment Moment, TraceThread Thread, string Domain, int Stack, MemoryAmount Live, MemoryAmount Allocated, MemoryAmount Freed, MemoryAmount Temporary);
