namespace AllocTrace.Report.Push;

/// <summary>The protocol of a server of profiles.</summary>
internal enum PushFormat
{
    /// <summary>Pyroscope's ingest protocol: a pprof profile in a form.</summary>
    Ingest,

    /// <summary>OpenTelemetry's profiles: protobuf over HTTP.</summary>
    Otlp,
}
