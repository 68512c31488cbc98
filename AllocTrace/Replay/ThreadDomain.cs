namespace AllocTrace.Replay;

/// <summary>The state that the replay of a thread's records in one domain needs together.</summary>
internal unsafe struct ThreadDomain
{
    /// <summary>The domain's <see cref="AddressTable.Pages"/>.</summary>
    public AddressPage** Pages;

    /// <summary>The bits that distinguish an address from the same address in other domains, by a bitwise or.</summary>
    public ulong Tag;

    public StackSites Sites;
}
