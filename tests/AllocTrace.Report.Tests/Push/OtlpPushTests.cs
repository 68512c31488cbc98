using System.Buffers.Binary;
using System.Text.Json;
using AllocTrace.Report.Export.Otlp;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Testing;
using Google.Protobuf;

namespace AllocTrace.Report.Tests.Push;

/// <summary>Sends profiles by OpenTelemetry's protocol to a receiver on this machine.</summary>
[TestClass]
public sealed class OtlpPushTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    /// <summary>Compares the received figures with <c>top</c>: all allocations, and the blocks that are live at the end.</summary>
    [TestMethod]
    public void Otlp_profiles_have_the_figures_of_top()
    {
        var recording = BuiltSession.Recorded(_folder.Path);
        using var receiver = new HttpReceiver();
        var run = CommandRun.Of("push", recording, "--format", "otlp", "--to", receiver.Address, "--name", "shop.api", "--label", "deployment.environment.name=ci", "--periods", "7");
        Assert.AreEqual((0, $"alloctrace: sent 7 profiles to {receiver.Address}\n"), (run.ExitCode, run.Error));
        Assert.IsTrue(receiver.Requests.All(request => request.Url.AbsolutePath == "/v1development/profiles" && request.Headers["Content-Type"] == "application/x-protobuf"));

        var periods = receiver.Requests.Select(request => OtlpReader.Samples(request).ToArray()).ToArray();
        var all = periods.SelectMany(period => period).ToArray();
        CollectionAssert.AreEqual(new[] { "alloc_objects/count", "alloc_space/bytes", "inuse_objects/count", "inuse_space/bytes" }, all.Select(sample => $"{sample.Type}/{sample.Unit}").Distinct().ToArray());
        Assert.AreEqual("memory", all.Select(sample => sample.PeriodType).Distinct().Single());
        AssertSame(Top(recording, "total", "size"), OtlpReader.ByLine(all, "alloc_space"));
        AssertSame(Top(recording, "total", "count"), OtlpReader.ByLine(all, "alloc_objects"));
        AssertSame(Top(recording, "live", "size"), OtlpReader.ByLine(periods[^1], "inuse_space"));
        AssertSame(Top(recording, "live", "count"), OtlpReader.ByLine(periods[^1], "inuse_objects"));

        CollectionAssert.AreEquivalent(
            new Dictionary<string, string>
            {
                ["service.name"] = "shop.api",
                ["host.name"] = Environment.MachineName,
                ["process.pid"] = "4000000",
                ["process.parent_pid"] = "1",
                ["process.command"] = "python3",
                ["process.command_line"] = "python3 '/srv/shop app.py'",
                ["process.executable.path"] = "/usr/bin/python3",
                ["process.runtime.name"] = "cpython",
                ["deployment.environment.name"] = "ci",
            }.ToArray(),
            all[0].Resource.ToArray());
        CollectionAssert.IsSubsetOf(new[] { "worker", "python3" }, all.Select(sample => sample.Attributes["thread.name"]).ToArray());
        CollectionAssert.AreEquivalent(new[] { "raw", "mem", "obj" }, all.Select(sample => sample.Attributes["alloctrace.domain"]).Distinct().ToArray());
        Assert.IsTrue(all.Any(sample => sample.Frames is ["/srv/load.py:9|load", "/srv/app.py:22|App.handle", "/srv/app.py:40|<module>"]));
        for (var i = 1; i < periods.Length; i++)
            Assert.AreEqual(periods[i - 1][0].TimeNs + periods[i - 1][0].DurationNs, periods[i][0].TimeNs, "no gap, and nothing twice");
    }

    /// <summary>Requires that a store can recognize a profile that is sent again.</summary>
    [TestMethod]
    public void Profile_sent_twice_has_the_same_id()
    {
        var recording = BuiltSession.Recorded(_folder.Path, calls: 200);
        using var receiver = new HttpReceiver();
        for (var i = 0; i < 2; i++)
            Assert.AreEqual(0, CommandRun.Of("push", recording, "--format", "otlp", "--to", receiver.Address + "/v1development/profiles/", "--name", "x", "--periods", "2").ExitCode);

        var ids = receiver.Requests.SelectMany(OtlpReader.Ids).Distinct().ToArray();
        Assert.HasCount(8, ids, "two periods, four profiles each");
        Assert.HasCount(4, receiver.Requests);
    }

    [TestMethod]
    [DataRow("text/html; charset=utf-8", "<html>log in</html>", "the server answered 200 with text/html instead of OTLP. Give the address of a receiver of OTLP profiles")]
    [DataRow("application/x-protobuf", "\u0007garbage", "the server answered 200 with something instead of OTLP. Give the address of a receiver of OTLP profiles")]
    [DataRow("application/x-protobuf", "\u000a\u000b\u0008\u0003\u0012\u0007too\nold", "the server took the request, but rejected 3 of its profiles: too old")]
    public void Answer_of_somebody_who_did_not_take_it_fails(string type, string body, string message)
    {
        var recording = BuiltSession.Recorded(_folder.Path, calls: 200);
        using var receiver = new HttpReceiver { Answer = _ => new(200, body, type) };
        CommandRun.Of("push", recording, "--format", "otlp", "--to", receiver.Address, "--name", "x")
            .AssertFailed(1, $"{receiver.Address}: {message}; 0 profiles sent before that");
    }

    /// <summary>
    /// Checks the numbers and wire types of the protocol, as OpenTelemetry's collector reads them (pdata/internal/generated_proto_*.go):
    /// they are spelled out here, for a reader that does not use the classes of the messages.
    /// </summary>
    [TestMethod]
    public void Bytes_are_what_the_collector_reads()
    {
        var request = new OtlpRequest(new OneStack());
        request.Add(
            new OtlpResource().With("service.name", "s").With("process.pid", 7L), DateTimeOffset.UnixEpoch.AddSeconds(3), DateTimeOffset.UnixEpoch.AddSeconds(5), 0,
            [OtlpMeasure.Recorded[1]], [new OtlpSample(1, [request.Dictionary.Attribute("thread.id", 9L)], new MemoryAmount(300, 2), default, default)]);
        using var bytes = new ReceivedRequest(new Uri("http://x"), new() { ["Content-Encoding"] = "gzip" }, request.ToCompressed()).Content();
        using var copy = new MemoryStream();
        bytes.CopyTo(copy);
        var top = Fields(copy.ToArray());
        var owner = Fields(top[(1, 2)][0]);
        CollectionAssert.AreEqual("service.name"u8.ToArray(), Fields(Fields(owner[(1, 2)][0])[(1, 2)][1])[(1, 2)][0]);
        var scope = Fields(owner[(2, 2)][0]);
        CollectionAssert.AreEqual("alloctrace"u8.ToArray(), Fields(scope[(1, 2)][0])[(1, 2)][0]);
        var profile = Fields(scope[(2, 2)][0]);
        CollectionAssert.AreEquivalent(new[] { (1, 2), (2, 2), (3, 1), (4, 0), (5, 2), (6, 0), (7, 2) }, profile.Keys);
        Assert.AreEqual(3_000_000_000UL, BinaryPrimitives.ReadUInt64LittleEndian(profile[(3, 1)][0]));
        Assert.AreEqual((2_000_000_000UL, 1UL), (Varint(profile[(4, 0)][0]), Varint(profile[(6, 0)][0])));
        var sample = Fields(profile[(2, 2)][0]);
        Assert.AreEqual((1UL, 300UL, 2UL), (Varint(sample[(1, 0)][0]), Varint(sample[(4, 2)][0]), Varint(sample[(2, 2)][0])), "the stack, the value, the attribute");

        var tables = Fields(top[(2, 2)][0]);
        CollectionAssert.AreEquivalent(new[] { (1, 2), (2, 2), (3, 2), (4, 2), (5, 2), (6, 2), (7, 2) }, tables.Keys);
        string Text(ulong index) => System.Text.Encoding.UTF8.GetString(tables[(5, 2)][(int)index]);
        Assert.AreEqual("alloc_space", Text(Varint(Fields(profile[(1, 2)][0])[(1, 0)][0])));
        Assert.AreEqual("bytes", Text(Varint(Fields(profile[(1, 2)][0])[(2, 0)][0])));
        var location = Fields(tables[(2, 2)][(int)Varint(Fields(tables[(7, 2)][1])[(1, 2)][0])]);
        var line = Fields(location[(3, 2)][0]);
        Assert.AreEqual(12UL, Varint(line[(2, 0)][0]));
        var function = Fields(tables[(3, 2)][(int)Varint(line[(1, 0)][0])]);
        Assert.AreEqual(("work", "a.py", 11UL), (Text(Varint(function[(1, 0)][0])), Text(Varint(function[(3, 0)][0])), Varint(function[(4, 0)][0])));
        var attribute = Fields(tables[(6, 2)][2]);
        Assert.AreEqual(("thread.id", 9UL), (Text(Varint(attribute[(1, 0)][0])), Varint(Fields(attribute[(2, 2)][0])[(3, 0)][0])));
        Assert.AreEqual("profile.frame.type", Text(Varint(Fields(tables[(6, 2)][(int)Varint(location[(4, 2)][0])])[(1, 0)][0])));
    }

    internal static Dictionary<string, long> Top(string recording, string view, string measure)
    {
        var json = JsonDocument.Parse(CommandRun.Of("top", recording, "--view", view, "--json", "-n", "0").Succeeded()).RootElement;
        return json.GetProperty("statistics").EnumerateArray().ToDictionary(NameOf, line => line.GetProperty(measure).GetInt64());

        static string NameOf(JsonElement line) => line.GetProperty("traceback").EnumerateArray().Select(frame => $"{frame.GetProperty("filename").GetString()}:{frame.GetProperty("lineno").GetInt64()}").SingleOrDefault(":0");
    }

    internal static void AssertSame(Dictionary<string, long> expected, Dictionary<string, long> actual)
    {
        Assert.IsNotEmpty(expected);
        CollectionAssert.AreEquivalent(expected.ToArray(), actual.ToArray());
    }

    /// <summary>Returns the fields of a message by number and wire type.</summary>
    private static Dictionary<(int Number, int Type), List<byte[]>> Fields(byte[] message)
    {
        var fields = new Dictionary<(int Number, int Type), List<byte[]>>();
        var input = new CodedInputStream(message);
        while (input.ReadTag() is not 0 and var tag)
        {
            var key = ((int)(tag >> 3), (int)(tag & 7));
            if (!fields.TryGetValue(key, out var values))
                fields[key] = values = [];

            values.Add(key.Item2 switch
            {
                0 => BitConverter.GetBytes(input.ReadUInt64()),
                1 => BitConverter.GetBytes(input.ReadFixed64()),
                _ => input.ReadBytes().ToByteArray(),
            });
        }

        return fields;
    }

    /// <summary>Reads the number in a field, or the first one of a packed field.</summary>
    private static ulong Varint(byte[] bytes) => bytes.Length == sizeof(ulong) ? BitConverter.ToUInt64(bytes) : new CodedInputStream(bytes).ReadUInt64();

    private sealed class OneStack : IFrameSource
    {
        public int CallerOf(int stack) => 0;

        public int LineOf(int stack) => 12;

        public int CodeOf(int stack) => 3;

        public (string Filename, string Function, int FirstLine) Describe(int code) => ("a.py", "work", 11);
    }
}
