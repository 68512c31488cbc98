using System.Diagnostics;

namespace AllocTrace.Stacks;

/// <summary>
/// Limits reading another process, which may be built so that reading it does not end: a time for all attempts, and a number of
/// bytes for each, which bounds what is kept of them.
/// </summary>
internal sealed class ReadBudget
{
    /// <summary>Several times what the deepest stack and thousands of threads take.</summary>
    private const long MostBytes = 128 << 20;

    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(10), _mostExtended = TimeSpan.FromSeconds(30);

    private readonly long _started = Stopwatch.GetTimestamp();
    private TimeSpan _extended;
    private long _bytes;

    /// <summary>The reason for which reading ended early; <see langword="null"/> if nothing was left out.</summary>
    public string? Reason { get; private set; }

    /// <summary>Begins an attempt.</summary>
    public void Restart() => _bytes = 0;

    /// <summary>Counts what is about to be read.</summary>
    /// <exception cref="ReadBudgetException">It is too much.</exception>
    public void Spend(long bytes)
    {
        _bytes += bytes;
        if (_bytes > MostBytes)
            throw Exceeded($"more than {MostBytes >> 20} MiB would have to be read");

        if (Stopwatch.GetElapsedTime(_started) - _extended > _longest)
            throw Exceeded($"reading it took more than {_longest.TotalSeconds} s");
    }

    /// <summary>Adds time that was spent on symbols, which are in files: large ones take seconds. There is a limit on it, too.</summary>
    public void Extend(TimeSpan spent) => _extended = TimeSpan.FromTicks(Math.Min((_extended + spent).Ticks, _mostExtended.Ticks));

    /// <summary>Creates the exception for a list that is longer than any program's.</summary>
    public ReadBudgetException Exceeded(string reason)
    {
        Reason ??= reason;
        return new ReadBudgetException();
    }
}

/// <summary>Reading a process was given up: see <see cref="ReadBudget.Reason"/>. Reading again does not help.</summary>
internal sealed class ReadBudgetException : Exception;
