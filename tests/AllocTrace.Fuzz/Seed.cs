namespace AllocTrace.Fuzz;

/// <summary>A sound file.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Bytes">What is in it.</param>
internal sealed record Seed(string Path, byte[] Bytes)
{
    private const int Gap = 64, LongestPlace = 4096;

    /// <summary>Where something is: parts between longer rows of zeros.</summary>
    public (int From, int To)[] Places { get; } = PlacesIn(Bytes);

    public static Seed Of(string path) => new(path, File.ReadAllBytes(path));

    private static (int From, int To)[] PlacesIn(ReadOnlySpan<byte> bytes)
    {
        var places = new List<(int, int)>();
        for (var at = 0; at < bytes.Length;)
        {
            var from = bytes[at..].IndexOfAnyExcept((byte)0);
            if (from < 0)
                break;

            at += from;
            var to = at;
            while (to < bytes.Length && to - at < LongestPlace && bytes[to..Math.Min(to + Gap, bytes.Length)].ContainsAnyExcept((byte)0))
                to = Math.Min(to + Gap, bytes.Length);

            places.Add((at & ~7, to));
            at = to;
        }

        return [.. places];
    }
}
