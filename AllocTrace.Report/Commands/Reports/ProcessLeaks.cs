using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>The growth of one process.</summary>
/// <param name="Process">In which process; <see langword="null"/> for all together.</param>
/// <param name="Series">When it was looked at.</param>
/// <param name="Growing">What grew.</param>
internal sealed record ProcessLeaks(TraceProcess? Process, GrowthSeries Series, GrowthList Growing);
