using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>
/// Keeps or drops traces, like <c>BaseFilter</c> in tracemalloc. Several filters together keep a trace if any inclusive one matches it (or
/// there is none) and no exclusive one does. Immutable.
/// </summary>
public abstract class TraceFilter
{
    private protected TraceFilter(bool inclusive) => Inclusive = inclusive;

    /// <summary>True if matching traces are kept and others dropped; false for the reverse.</summary>
    public bool Inclusive { get; }

    /// <summary>Returns whether traces of a domain can match.</summary>
    internal abstract bool MatchesDomain(TraceDomain domain);

    /// <summary>Returns for each stack of a trie if its traces can match; <see langword="null"/> if all can.</summary>
    internal abstract bool[]? MatchingStacks(StackTable stacks);
}
