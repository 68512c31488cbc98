namespace AllocTrace.Report.Render;

/// <summary>Shortens paths for narrow columns. The end says most, so the beginning is cut.</summary>
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
