namespace AllocTrace;

/// <summary>Why the live blocks of a process were kept at a moment.</summary>
public enum SnapshotKind
{
    /// <summary>The process had most live bytes.</summary>
    Peak,

    /// <summary>The interpreter began to finalize, or the process ended.</summary>
    Live,

    /// <summary>The program or its user asked for it, by a name.</summary>
    Named,
}
