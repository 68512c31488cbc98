namespace AllocTrace.Report.Web;

/// <summary>The page of a recording: one file that needs nothing else. What is in the recording is in it as base64 only, whatever its names are.</summary>
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
