namespace AllocTrace.Replay;

/// <summary>The end of a thread, as an earlier collector noted it.</summary>
/// <param name="EndedMonoNs">CLOCK_MONOTONIC.</param>
/// <param name="LostEvents">All events that it lost.</param>
/// <param name="Name">Its name then.</param>
internal sealed record JournaledThreadEnd(ulong EndedMonoNs, ulong LostEvents, string Name);
