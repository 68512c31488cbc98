using AllocTrace.Wire;

namespace AllocTrace.Storage;

/// <summary>The numbers of the code objects and stacks in a database that is being written. They stay when its connection is replaced.</summary>
internal sealed class StackNumbers
{
    public Dictionary<CodeKey, int> Codes { get; } = [];

    public Dictionary<StackKey, int> Stacks { get; } = [];

    /// <summary>The number of frames of each stack. Stack 0 has none.</summary>
    public List<int> Depths { get; } = [];

    /// <summary>The stack that stands for those that could not be kept, if there are any.</summary>
    public int? Dropped { get; set; }

    /// <summary>The nodes of sessions whose process is not in the database yet.</summary>
    public Dictionary<SessionFile, NodeStacks> Sessions { get; } = [];
}
