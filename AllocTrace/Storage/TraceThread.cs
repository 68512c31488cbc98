namespace AllocTrace.Storage;

/// <summary>
/// A thread that allocated while it ran code of one interpreter: a row of the table <c>thread</c>. A thread that ran code of two
/// interpreters has two rows.
/// </summary>
/// <param name="Id">The number of the row in the database.</param>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of the process.</param>
/// <param name="OsId">The thread id of the system.</param>
/// <param name="Name">The name of the thread, as the system has it.</param>
/// <param name="StartedNs">The time at which the thread was first seen, in nanoseconds since the recording of the process began.</param>
/// <param name="EndedNs">The time at which the thread ended, on the same clock; <see langword="null"/> if it lived to the end.</param>
/// <param name="Interpreter">CPython's id of the interpreter: 0 is the main one, others are sub-interpreters.</param>
public sealed record TraceThread(long Id, long Process, long OsId, string Name, long StartedNs, long? EndedNs, long Interpreter);
