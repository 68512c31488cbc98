using System.Collections;

namespace AllocTrace.Analysis;

/// <summary>
/// The frames that led to an allocation, oldest first as in tracemalloc. Tracebacks with equal frames are equal. Immutable.
/// </summary>
public sealed class Traceback : IReadOnlyList<Frame>, IEquatable<Traceback>, IComparable<Traceback>
{
    private readonly Frame[] _frames;

    /// <summary>Creates a traceback from frames.</summary>
    /// <param name="frames">The frames, oldest first; they are copied.</param>
    public Traceback(params ReadOnlySpan<Frame> frames) => _frames = frames.ToArray();

    /// <summary>The traceback of an allocation without a Python frame.</summary>
    public static Traceback Empty { get; } = new();

    /// <summary>The number of frames.</summary>
    public int Count => _frames.Length;

    /// <summary>The frame that allocated, or <see langword="null"/> if there is none.</summary>
    public Frame? Newest => _frames.Length == 0 ? null : _frames[^1];

    /// <summary>The frame at an index; 0 is the oldest.</summary>
    /// <param name="index">The index, from 0 to <see cref="Count"/> - 1.</param>
    public Frame this[int index] => _frames[index];

    /// <inheritdoc/>
    public IEnumerator<Frame> GetEnumerator() => ((IEnumerable<Frame>)_frames).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(Traceback? other) => other is not null && _frames.AsSpan().SequenceEqual(other._frames);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Traceback);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var frame in _frames)
            hash.Add(frame);

        return hash.ToHashCode();
    }

    /// <summary>Compares frame by frame from the oldest; a traceback that continues another comes after it.</summary>
    /// <param name="other">The other traceback.</param>
    /// <returns>Less than 0, 0 or more than 0, if this one comes before the other, equals it, or comes after it.</returns>
    public int CompareTo(Traceback? other) => other is null ? 1 : _frames.AsSpan().SequenceCompareTo(other._frames);

    /// <summary>
    /// Formats the traceback as <c>tracemalloc.Traceback.format</c> does: for each frame <c>  File "…", line N</c>, then the source line,
    /// indented, if it can be read and is not blank.
    /// </summary>
    /// <param name="limit">
    /// The number of newest frames to format if it is above 0; the number of newest frames to leave out if it is below 0; 0 for none,
    /// <see langword="null"/> for all.
    /// </param>
    /// <param name="mostRecentFirst">True if the newest frame comes first.</param>
    /// <param name="source">The reader of the source lines; <see langword="null"/> for the files in their present state.</param>
    /// <returns>The lines of text.</returns>
    public IReadOnlyList<string> Format(int? limit = null, bool mostRecentFirst = false, SourceFiles? source = null)
    {
        source ??= new SourceFiles();
        var frames = limit switch
        {
            null => _frames,
            > 0 => _frames[Math.Max(0, _frames.Length - limit.Value)..],
            _ => _frames[..(int)Math.Max(0, limit.Value == 0 ? 0 : _frames.Length + (long)limit.Value)],
        };
        var lines = new List<string>();
        foreach (var frame in mostRecentFirst ? frames.Reverse() : frames)
        {
            lines.Add(frame.IsNative ? $"  C function {frame.Function}, in {frame.Filename}" : $"  File \"{frame.Filename}\", line {frame.LineNumber}");
            if (source.Find(frame.Filename, frame.LineNumber) is { } line)
                lines.Add($"    {line}");
        }

        return lines;
    }

    /// <summary>Formats the oldest frame, as tracemalloc does for a traceback.</summary>
    /// <returns>The text, <c>file:line</c>.</returns>
    public override string ToString() => _frames.Length == 0 ? "<no Python frame>" : _frames[0].ToString();
}
