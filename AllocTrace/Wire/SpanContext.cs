using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary>A span of a trace, by the ids that OpenTelemetry gives both. The words are the published bytes as they are in memory.</summary>
/// <param name="TraceBegin">The first 8 bytes of the trace's id.</param>
/// <param name="TraceEnd">The other 8.</param>
/// <param name="Span">The 8 bytes of the span's id.</param>
internal readonly record struct SpanContext(ulong TraceBegin, ulong TraceEnd, ulong Span)
{
    private const int TraceBytes = 16, SpanBytes = 8;

    /// <summary>True if it names no span: neither id may be zero.</summary>
    public bool IsNone => (TraceBegin | TraceEnd) == 0 || Span == 0;

    /// <summary>The trace's id, 16 bytes.</summary>
    public byte[] TraceIdBytes => MemoryMarshal.AsBytes([TraceBegin, TraceEnd]).ToArray();

    /// <summary>The span's id, 8 bytes.</summary>
    public byte[] SpanIdBytes => MemoryMarshal.AsBytes([Span]).ToArray();

    /// <summary>The trace's id as W3C Trace Context writes it: 32 digits of base 16.</summary>
    public string TraceId => Convert.ToHexStringLower(TraceIdBytes);

    /// <summary>The span's id as W3C Trace Context writes it: 16 digits of base 16.</summary>
    public string SpanId => Convert.ToHexStringLower(SpanIdBytes);

    /// <summary>Reads ids in base 16.</summary>
    /// <exception cref="FormatException">They are not.</exception>
    public static SpanContext Parse(string traceId, string spanId)
    {
        var (trace, span) = (Convert.FromHexString(traceId), Convert.FromHexString(spanId));
        if (trace.Length != TraceBytes || span.Length != SpanBytes)
            throw new FormatException($"'{traceId}' and '{spanId}' are no ids of a trace and a span");

        var words = MemoryMarshal.Cast<byte, ulong>(trace);
        return new SpanContext(words[0], words[1], MemoryMarshal.Read<ulong>(span));
    }
}
