namespace AllocTrace.Fuzz;

/// <summary>A sound file.</summary>
/// <param name="Path">The path of the file.</param>
/// <param name="Bytes">The content.</param>
internal sealed record Seed(string Path, byte[] Bytes)
{
    private const int Gap = 64, LongestPlace = 4096;

    /// <summary>The ranges with content, between longer rows of zeros.</summary>
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
