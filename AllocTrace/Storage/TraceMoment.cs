namespace AllocTrace.Storage;

/// <summary>A moment of one process whose live blocks were kept: a row of the table <c>snapshot</c>.</summary>
/// <param name="Id">Its number in the database.</param>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of its process.</param>
/// <param name="Kind"><c>peak</c>, <c>live</c> or <c>named</c>.</param>
/// <param name="Name">The name given to a <c>named</c> one.</param>
/// <param name="AtNs">When, nanoseconds since the process's recording began.</param>
/// <param name="Bytes">What was alive, bytes.</param>
/// <param name="Blocks">How many blocks were alive.</param>
public sealed record TraceMoment(long Id, long Process, string Kind, string Name, long AtNs, long Bytes, long Blocks)
{
    /// <summary>True if the program or its user asked for it, as opposed to the moments that every process has.</summary>
    public bool IsNamed => Kind is not ("peak" or "live");
}
