namespace AllocTrace.Journal;

/// <summary>Identifies the stream of records of one thread within a session: slots are used again when their thread is gone.</summary>
/// <param name="Slot">The thread's slot in the session.</param>
/// <param name="Incarnation">The number of threads that used the slot before.</param>
internal readonly record struct StreamName(uint Slot, uint Incarnation);
