namespace AllocTrace.Storage;

/// <summary>A thread that allocated, as far as it ran code of one interpreter: a row of the table <c>thread</c>.</summary>
/// <param name="Id">Its number in the database.</param>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of its process.</param>
/// <param name="OsId">The system's number for it.</param>
/// <param name="Name">The system's name for it.</param>
/// <param name="StartedNs">When it was first seen, nanoseconds since the process's recording began.</param>
/// <param name="EndedNs">When it ended, on the same clock; <see langword="null"/> when it lived to the end.</param>
/// <param name="Interpreter">CPython's number of the interpreter in the process: 0 is the main one, others are sub-interpreters.</param>
public sealed record TraceThread(long Id, long Process, long OsId, string Name, long StartedNs, long? EndedNs, long Interpreter);
