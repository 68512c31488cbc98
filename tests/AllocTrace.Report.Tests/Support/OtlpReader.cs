using AllocTrace.Report.Export.Otlp;

namespace AllocTrace.Report.Tests.Support;

/// <summary>A sample as a store would keep it. A link is "TRACE SPAN", in base 16.</summary>
internal sealed record StoredSample(
    IReadOnlyDictionary<string, string> Resource, string Type, string Unit, string PeriodType, ulong TimeNs, ulong DurationNs, string Id,
    string[] Frames, IReadOnlyDictionary<string, string> Attributes, long Value, string? Link);

/// <summary>Reads requests by following every index.</summary>
internal static class OtlpReader
{
    public static IEnumerable<StoredSample> Samples(ReceivedRequest received)
    {
        using var content = received.Content();
        var request = ExportProfilesServiceRequest.Parser.ParseFrom(content);
        var tables = request.Dictionary;
        CheckZeros(tables);
        string Text(int index) => tables.StringTable[index];
        foreach (var owner in request.ResourceProfiles)
        {
            var resource = owner.Resource.Attributes.ToDictionary(each => each.Key, each => ValueOf(each.Value));
            foreach (var profile in owner.ScopeProfiles.SelectMany(scope => scope.Profiles))
            {
                Assert.IsGreaterThan(0, profile.Period, "a receiver would not name the series by its type");
                Assert.HasCount(16, profile.ProfileId);
                foreach (var sample in profile.Samples)
                {
                    yield return new StoredSample(
                        resource, Text(profile.SampleType.TypeStrindex), Text(profile.SampleType.UnitStrindex), Text(profile.PeriodType.TypeStrindex),
                        profile.TimeUnixNano, profile.DurationNano, Convert.ToHexString(profile.ProfileId.Span), [.. FramesOf(tables, sample.StackIndex)],
                        sample.AttributeIndices.Select(index => tables.AttributeTable[index]).ToDictionary(each => Text(each.KeyStrindex), each => ValueOf(each.Value)),
                        sample.Values.Single(), LinkOf(tables, sample.LinkIndex));
                }
            }
        }
    }

    /// <summary>Returns the number of profiles of a request, also those without a sample.</summary>
    public static long Profiles(ReceivedRequest received)
    {
        using var content = received.Content();
        return ExportProfilesServiceRequest.Parser.ParseFrom(content).ResourceProfiles.Sum(owner => owner.ScopeProfiles.Sum(scope => scope.Profiles.Count));
    }

    /// <summary>Returns the ids of a request's profiles, also those without a sample.</summary>
    public static string[] Ids(ReceivedRequest received)
    {
        using var content = received.Content();
        var owners = ExportProfilesServiceRequest.Parser.ParseFrom(content).ResourceProfiles;
        return [.. owners.SelectMany(owner => owner.ScopeProfiles).SelectMany(scope => scope.Profiles).Select(profile => Convert.ToHexString(profile.ProfileId.Span))];
    }

    /// <summary>Sums by the innermost frame's file and line, as <c>top</c> shows them.</summary>
    public static Dictionary<string, long> ByLine(IEnumerable<StoredSample> samples, string type) =>
        samples.Where(sample => sample.Type == type).GroupBy(sample => sample.Frames[0].Split('|')[0]).ToDictionary(group => group.Key, group => group.Sum(sample => sample.Value));

    private static string? LinkOf(ProfilesDictionary tables, int link)
    {
        if (link == 0)
            return null;

        Assert.AreEqual((16, 8), (tables.LinkTable[link].TraceId.Length, tables.LinkTable[link].SpanId.Length));
        return $"{Convert.ToHexStringLower(tables.LinkTable[link].TraceId.Span)} {Convert.ToHexStringLower(tables.LinkTable[link].SpanId.Span)}";
    }

    private static IEnumerable<string> FramesOf(ProfilesDictionary tables, int stack)
    {
        foreach (var location in tables.StackTable[stack].LocationIndices.Select(index => tables.LocationTable[index]))
        {
            var type = location.AttributeIndices.Select(index => tables.AttributeTable[index]).Single();
            Assert.AreEqual(("profile.frame.type", "cpython"), (tables.StringTable[type.KeyStrindex], type.Value.StringValue));
            var line = location.Lines.Single();
            var function = tables.FunctionTable[line.FunctionIndex];
            yield return $"{tables.StringTable[function.FilenameStrindex]}:{line.Line_}|{tables.StringTable[function.NameStrindex]}";
        }
    }

    private static void CheckZeros(ProfilesDictionary tables)
    {
        Assert.AreEqual("", tables.StringTable[0]);
        Assert.AreEqual(new Mapping(), tables.MappingTable[0]);
        Assert.AreEqual(new Location(), tables.LocationTable[0]);
        Assert.AreEqual(new Function(), tables.FunctionTable[0]);
        Assert.AreEqual(new Link(), tables.LinkTable[0]);
        Assert.AreEqual(new KeyValueAndUnit(), tables.AttributeTable[0]);
        Assert.AreEqual(new Stack(), tables.StackTable[0]);
        Assert.AreEqual(tables.StringTable.Count, tables.StringTable.Distinct().Count());
    }

    private static string ValueOf(AnyValue value) => value.ValueCase == AnyValue.ValueOneofCase.IntValue ? $"{value.IntValue}" : value.StringValue;
}
