using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using AllocTrace.Wire;
using Google.Protobuf;

namespace AllocTrace.Report.Export.Otlp;

/// <summary>
/// A request with the profiles of one process or many: a profile for each measure, and one dictionary for all of them.
/// </summary>
/// <param name="frames">The frames of the samples' stacks.</param>
internal sealed class OtlpRequest(IFrameSource frames)
{
    /// <summary>The path that receivers serve, after the address of the server.</summary>
    public const string Path = "/v1development/profiles";

    /// <summary>
    /// The type of the period. Receivers name series by it (Pyroscope: pkg/ingester/otlp/convert.go), as long as the period is not 0.
    /// </summary>
    private const string PeriodType = "memory", PeriodUnit = "bytes";

    private const string ScopeName = "alloctrace";
    private const int ProfileIdBytes = 16;

    private static readonly string _version = typeof(OtlpRequest).Assembly.GetName().Version!.ToString(3);

    private readonly ExportProfilesServiceRequest _message = new();

    /// <summary>The tables, for the attributes of samples.</summary>
    public OtlpDictionary Dictionary { get; } = new(frames);

    /// <summary>The number of profiles.</summary>
    public int Profiles { get; private set; }

    /// <summary>The number of samples.</summary>
    public int Samples { get; private set; }

    /// <summary>Adds a period of a process.</summary>
    /// <param name="resource">The resource of the profile.</param>
    /// <param name="from">The beginning of the period.</param>
    /// <param name="until">The end of the period.</param>
    /// <param name="sampleBytes">The mean bytes from one recorded allocation to the next; 0 when each was recorded.</param>
    /// <param name="measures">The profiles to make.</param>
    /// <param name="samples">The amounts, at most one for a stack and a set of attributes.</param>
    public void Add(
        OtlpResource resource, DateTimeOffset from, DateTimeOffset until, long sampleBytes, IReadOnlyList<OtlpMeasure> measures, IReadOnlyCollection<OtlpSample> samples)
    {
        var scope = new ScopeProfiles { Scope = new InstrumentationScope { Name = ScopeName, Version = _version } };
        var time = Nanoseconds(from - DateTimeOffset.UnixEpoch);
        foreach (var measure in measures)
        {
            var profile = new Profile
            {
                SampleType = Type(measure.Name, measure.Unit),
                TimeUnixNano = time,
                DurationNano = Nanoseconds(until - from),
                PeriodType = Type(PeriodType, PeriodUnit),
                Period = Math.Max(1, sampleBytes), // 1: every byte
                ProfileId = Id(resource, time, measure),
            };
            foreach (var sample in samples)
            {
                var rest = measure.Of(sample);
                foreach (var (span, amount) in SpansOf(sample, measure, rest))
                {
                    Add(profile, sample, amount, Dictionary.Link(span));
                    rest -= amount;
                }

                if (rest != 0)
                    Add(profile, sample, rest, link: 0);
            }

            scope.Profiles.Add(profile);
            Profiles++;
            Samples += profile.Samples.Count;
        }

        _message.ResourceProfiles.Add(new ResourceProfiles { Resource = resource.ToMessage(), ScopeProfiles = { scope } });
    }

    /// <summary>Returns the parts of a sample's value that belong to spans. In a damaged recording they may be more than the whole: then it is not divided.</summary>
    private static (SpanContext Span, long Value)[] SpansOf(OtlpSample sample, OtlpMeasure measure, long value)
    {
        if (sample.Spans is null || measure.OfSpan is null)
            return [];

        (SpanContext Span, long Value)[] parts = [.. sample.Spans.Select(each => (each.Key, measure.OfSpan(each.Value))).Where(part => part.Item2 > 0)];
        return parts.Sum(part => part.Value) <= value ? parts : [];
    }

    private void Add(Profile profile, OtlpSample sample, long value, int link) => profile.Samples.Add(
        new Sample { StackIndex = Dictionary.Stack(sample.Stack), AttributeIndices = { sample.Attributes }, LinkIndex = link, Values = { value } });

    /// <summary>Returns the request, compressed with gzip.</summary>
    public byte[] ToCompressed()
    {
        _message.Dictionary = Dictionary.Tables;
        using var target = new MemoryStream();
        using (var compressed = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true))
            _message.WriteTo(compressed);

        return target.ToArray();
    }

    private static ulong Nanoseconds(TimeSpan time) => (ulong)Math.Max(0, time.Ticks) * TimeSpan.NanosecondsPerTick;

    private ValueType Type(string type, string unit) => new() { TypeStrindex = Dictionary.Text(type), UnitStrindex = Dictionary.Text(unit) };

    /// <summary>Returns the same id for the same period each time that it is sent, so that a store recognizes it.</summary>
    private static ByteString Id(OtlpResource resource, ulong time, OtlpMeasure measure)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, value) in resource.Attributes)
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}={value}\n"));

        Span<byte> start = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(start, time);
        hash.AppendData(start);
        hash.AppendData(Encoding.UTF8.GetBytes(measure.Name));
        return ByteString.CopyFrom(hash.GetHashAndReset().AsSpan(0, ProfileIdBytes));
    }
}
