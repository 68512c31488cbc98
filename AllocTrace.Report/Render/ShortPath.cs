namespace AllocTrace.Report.Render;

/// <summary>Shortens paths for narrow places. The end tells most, so the beginning goes.</summary>
internal static class ShortPath
{
    /// <summary>Cuts a path to at most <paramref name="width"/> characters, at a separator where possible.</summary>
    public static string Fit(string path, int width)
    {
        if (path.Length <= width)
            return path;

        var start = path.Length - Math.Max(width, 2) + 1; // one for the ellipsis
        var separator = path.IndexOf('/', start);
        return "…" + path[(separator >= 0 && separator < path.Length - 1 ? separator : start)..];
    }
}
