using System.Collections;

namespace AllocTrace.Analysis;

/// <summary>The frames that led to an allocation, oldest first as in tracemalloc. Equal when the frames are.</summary>
public sealed class Traceback : IReadOnlyList<Frame>, IEquatable<Traceback>, IComparable<Traceback>
{
    private readonly Frame[] _frames;

    /// <summary>Creates a traceback from frames, oldest first.</summary>
    public Traceback(params ReadOnlySpan<Frame> frames) => _frames = frames.ToArray();

    /// <summary>The traceback of an allocation that no Python frame led to.</summary>
    public static Traceback Empty { get; } = new();

    /// <summary>The number of frames.</summary>
    public int Count => _frames.Length;

    /// <summary>The frame that allocated, or <see langword="null"/> when there is none.</summary>
    public Frame? Newest => _frames.Length == 0 ? null : _frames[^1];

    /// <summary>The frame at <paramref name="index"/>; 0 is the oldest.</summary>
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
    public int CompareTo(Traceback? other) => other is null ? 1 : _frames.AsSpan().SequenceCompareTo(other._frames);

    /// <summary>
    /// The traceback as lines of text, in the words of <c>tracemalloc.Traceback.format</c>: for each frame <c>  File "…", line N</c>, then the
    /// line of source, indented, when it is at hand and not blank.
    /// </summary>
    /// <param name="limit">
    /// Above 0 at most this many of the newest frames; below 0 all but this many of the newest; 0 none; <see langword="null"/> all.
    /// </param>
    /// <param name="mostRecentFirst">Whether the newest frame comes first.</param>
    /// <param name="source">Where the lines come from; <see langword="null"/> for the files as they are now.</param>
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

    /// <summary>The oldest frame, as tracemalloc prints a traceback.</summary>
    public override string ToString() => _frames.Length == 0 ? "<no Python frame>" : _frames[0].ToString();
}
