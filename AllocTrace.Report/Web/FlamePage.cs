namespace AllocTrace.Report.Web;

/// <summary>
/// Writes the page of a recording: one file that needs nothing else. The page has the recording as base64 only, so that names in it cannot
/// become markup.
/// </summary>
internal static class FlamePage
{
    private const string Placeholder = "ALLOCTRACE_PAYLOAD"; // in Web/page/index.html

    public static void Write(PageData data, TextWriter target)
    {
        using var stream = typeof(FlamePage).Assembly.GetManifestResourceStream("page.html")!;
        using var reader = new StreamReader(stream);
        var page = reader.ReadToEnd();
        var place = page.LastIndexOf(Placeholder, StringComparison.Ordinal);
        target.Write(page.AsSpan(0, place));
        target.Write(data.ToBase64());
        target.Write(page.AsSpan(place + Placeholder.Length));
    }
}
