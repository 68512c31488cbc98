using System.Net.Http.Headers;
using System.Text;

namespace AllocTrace.Report.Push;

/// <summary>A profile on its way.</summary>
/// <param name="Address">The address of the server.</param>
/// <param name="Content">A compressed pprof profile, or a compressed OTLP request.</param>
/// <param name="Format">The protocol.</param>
internal sealed record PushedProfile(Uri Address, byte[] Content, PushFormat Format = PushFormat.Ingest)
{
    // The sample types as the server should show them; alloc_* are sums over a stretch of time, inuse_* the state at its end.
    private const string SampleTypes =
        """
        {"alloc_objects":{"units":"objects","display-name":"alloc_objects"},"alloc_space":{"units":"bytes","display-name":"alloc_space"},
        "inuse_objects":{"units":"objects","display-name":"inuse_objects","aggregation":"average"},
        "inuse_space":{"units":"bytes","display-name":"inuse_space","aggregation":"average"}}
        """;

    /// <summary>Returns the body of a request.</summary>
    public HttpContent ToBody()
    {
        if (Format == PushFormat.Otlp)
            return new ByteArrayContent(Content) { Headers = { ContentType = new MediaTypeHeaderValue(OtlpAnswer.MediaType), ContentEncoding = { "gzip" } } };

        return new MultipartFormDataContent
        {
            { new ByteArrayContent(Content) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } }, "profile", "profile.pprof" },
            { new StringContent(SampleTypes, Encoding.UTF8, "application/json"), "sample_type_config", "sample_type_config.json" },
        };
    }
}
