namespace AllocTrace.Analysis;

/// <summary>The key that a <see cref="Statistic"/> sums by.</summary>
public enum GroupBy
{
    /// <summary>The file and line of the newest frame.</summary>
    Lineno,

    /// <summary>The file of the newest frame; its line is 0.</summary>
    Filename,

    /// <summary>The whole traceback.</summary>
    Traceback,

    /// <summary>The function of the newest frame; its line is the one on which the function begins.</summary>
    Function,

    /// <summary>The allocator domain.</summary>
    Domain,

    /// <summary>The thread that allocated.</summary>
    Thread,

    /// <summary>The process.</summary>
    Process,

    /// <summary>The type of the blocks' objects; needs a snapshot with types (<see cref="Snapshot.HasTypes"/>).</summary>
    Type,
}
