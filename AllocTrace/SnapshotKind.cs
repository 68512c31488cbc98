namespace AllocTrace;

/// <summary>The reason for which a snapshot of a process's live blocks was taken.</summary>
public enum SnapshotKind
{
    /// <summary>The process had its largest number of live bytes.</summary>
    Peak,

    /// <summary>The interpreter began to finalize, or the process ended.</summary>
    Live,

    /// <summary>The program or its user requested it, and gave it a name.</summary>
    Named,
}
