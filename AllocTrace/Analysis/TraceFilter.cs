using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>
/// Keeps or drops traces: what tracemalloc calls <c>BaseFilter</c>. A snapshot's filters together let a trace through when any inclusive one
/// matches it (or there is none) and no exclusive one does.
/// </summary>
public abstract class TraceFilter
{
    private protected TraceFilter(bool inclusive) => Inclusive = inclusive;

    /// <summary>True if traces that match are kept (and others dropped), or the other way round.</summary>
    public bool Inclusive { get; }

    /// <summary>Returns whether traces of a domain can match.</summary>
    internal abstract bool MatchesDomain(TraceDomain domain);

    /// <summary>For each stack of a trie whether its traces can match; <see langword="null"/> when all can.</summary>
    internal abstract bool[]? MatchingStacks(StackTable stacks);
}
