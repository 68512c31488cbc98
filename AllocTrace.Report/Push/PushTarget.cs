using System.Globalization;
using AllocTrace.Report.Export.Otlp;

namespace AllocTrace.Report.Push;

/// <summary>The destination of profiles: a server, and the name of the series there.</summary>
/// <param name="Server">Its address, without the path of a protocol.</param>
/// <param name="Name">The application's name.</param>
/// <param name="Labels">The labels that distinguish this series from others of the application.</param>
internal sealed record PushTarget(Uri Server, string Name, IReadOnlyDictionary<string, string> Labels)
{
    /// <summary>The address that takes OTLP profiles.</summary>
    public Uri OtlpAddress => OtlpAddressOf(Server);

    /// <summary>Returns the address at a server that takes OTLP profiles; the server's may end in the path already.</summary>
    public static Uri OtlpAddressOf(Uri server)
    {
        var address = Secrets.Without(server).GetLeftPart(UriPartial.Path).TrimEnd('/');
        return new Uri(address.EndsWith(OtlpRequest.Path, StringComparison.Ordinal) ? address : address + OtlpRequest.Path);
    }

    /// <summary>
    /// Returns the address for the profile of a period. It does not name a format: the server recognizes a form by its content type, and
    /// would read the whole form as a profile if the address named a format (pkg/ingester/pyroscope/ingest_handler.go).
    /// </summary>
    public Uri Address(DateTimeOffset from, DateTimeOffset until, string process)
    {
        var labels = Labels.Append(new("pid", process)).Select(label => $"{label.Key}={label.Value}");
        var name = Uri.EscapeDataString($"{Name}{{{string.Join(',', labels)}}}");
        var address = Secrets.Without(Server).AbsoluteUri.TrimEnd('/');
        return new Uri(string.Create(
            CultureInfo.InvariantCulture,
            $"{address}/ingest?name={name}&from={from.ToUnixTimeSeconds()}&until={Math.Max(until.ToUnixTimeSeconds(), from.ToUnixTimeSeconds() + 1)}&spyName=alloctrace"));
    }
}
