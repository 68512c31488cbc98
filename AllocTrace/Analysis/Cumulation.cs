namespace AllocTrace.Analysis;

/// <summary>The way in which an allocation counts for the frames that led to it.</summary>
public enum Cumulation
{
    /// <summary>It counts for its newest frame only.</summary>
    None,

    /// <summary>It counts once for each distinct group on its stack, so recursion does not count it twice.</summary>
    OncePerTrace,

    /// <summary>
    /// It counts for every frame, repeats included, as <c>cumulative=True</c> does in tracemalloc: a group's size can exceed the total.
    /// </summary>
    OncePerFrame,
}
