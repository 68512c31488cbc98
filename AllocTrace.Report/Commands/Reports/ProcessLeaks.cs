using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>The growth of one process.</summary>
/// <param name="Process">The process; <see langword="null"/> for all processes together.</param>
/// <param name="Series">The series of periods or snapshots.</param>
/// <param name="Growing">The groups that grew.</param>
internal sealed record ProcessLeaks(TraceProcess? Process, GrowthSeries Series, GrowthList Growing);
