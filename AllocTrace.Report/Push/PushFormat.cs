namespace AllocTrace.Report.Push;

/// <summary>What a server of profiles speaks.</summary>
internal enum PushFormat
{
    /// <summary>Pyroscope's ingest protocol: a pprof profile in a form.</summary>
    Ingest,

    /// <summary>OpenTelemetry's profiles: protobuf over HTTP.</summary>
    Otlp,
}
