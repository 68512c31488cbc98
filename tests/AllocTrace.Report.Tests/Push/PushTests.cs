using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Web;
using AllocTrace.Report.Export.Pprof;
using AllocTrace.Report.Push;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Testing;

namespace AllocTrace.Report.Tests.Push;

[TestClass]
public sealed class PushTests
{
    [TestMethod]
    public void Series_arrives_in_order_with_name_labels_and_times()
    {
        using var server = new GrowingServer();
        using var receiver = new HttpReceiver();
        var run = CommandRun.Of("push", server.Path, "--to", receiver.Address, "--name", "shop.api", "--label", "env=ci", "--label", "host=a b", "--periods", "4");
        Assert.AreEqual($"alloctrace: sent 4 profiles to {receiver.Address}\n", run.Error);
        Assert.AreEqual(0, run.ExitCode);

        var requests = receiver.Requests.ToArray();
        Assert.HasCount(4, requests);
        long[] inUse = [200_000, 250_000, 300_000, 350_000];
        for (var i = 0; i < requests.Length; i++)
        {
            var query = HttpUtility.ParseQueryString(requests[i].Url.Query);
            Assert.AreEqual("/ingest", requests[i].Url.AbsolutePath);
            Assert.AreEqual("shop.api{env=ci,host=a b,pid=77}", query["name"]);
            Assert.IsNull(query["format"], "a server would take the form for a profile");
            Assert.IsLessThan(long.Parse(query["until"]!, CultureInfo.InvariantCulture), long.Parse(query["from"]!, CultureInfo.InvariantCulture));
            var profile = ProfileIn(requests[i]);
            Assert.AreEqual(1_700_000_000_000_000_000 + (i * 500_000_000L), profile.TimeNanos, "when a server says it was");
            Assert.AreEqual(500_000_000, profile.DurationNanos);
            Assert.AreEqual(inUse[i], Sum(profile, "inuse_space"));
            Assert.AreEqual(i == 0 ? 700_000 : 550_000, Sum(profile, "alloc_space"));
        }
    }

    /// <summary>Requires that Go's own library reads the form, as a server does, and that its pprof reads the profile.</summary>
    [TestMethod]
    public void Pushed_profiles_are_what_a_server_reads()
    {
        if (!ToolPath.Exists("go"))
            Assert.Inconclusive("no go on this machine");

        using var recording = new GrowingServer();
        var folder = Path.GetDirectoryName(recording.Path)!;
        var start = new ProcessStartInfo("go", ["run", Path.Combine(AppContext.BaseDirectory, "Push", "receive.go"), folder]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using var server = Process.Start(start)!;
        var address = server.StandardOutput.ReadLine()!;
        var run = CommandRun.Of("push", recording.Path, "--to", address, "--name", "shop.api", "--label", "env=ci or not", "--periods", "2");
        server.StandardInput.Close();
        var received = server.StandardOutput.ReadToEnd().TrimEnd('\n').Split('\n');
        server.WaitForExit();
        Assert.AreEqual((0, $"alloctrace: sent 2 profiles to {address}\n"), (run.ExitCode, run.Error));

        long[] inUse = [250_000, 350_000];
        for (var i = 0; i < 2; i++)
        {
            var request = JsonDocument.Parse(received[i]).RootElement;
            Assert.AreEqual("shop.api{env=ci or not,pid=77}", request.GetProperty("query").GetProperty("name")[0].GetString());
            Assert.AreEqual($"{1_700_000_000 + i}", request.GetProperty("query").GetProperty("from")[0].GetString());
            Assert.AreEqual("alloc_objects alloc_space inuse_objects inuse_space", string.Join(' ', request.GetProperty("types").EnumerateObject().Select(type => type.Name)));
            Assert.AreEqual("average", request.GetProperty("types").GetProperty("inuse_space").GetProperty("aggregation").GetString());
            var text = Command.Run("go", ["tool", "pprof", "-top", "-unit=b", "-nodefraction=0", request.GetProperty("file").GetString()!], environment: new() { ["TZ"] = "UTC" }).Succeeded().Output;
            Assert.Contains("Time: Nov 14, 2023 at 10:13pm (UTC)", text);
            Assert.Contains("Duration: 1s", text);
            Assert.Contains($"of {inUse[i]}B total", text);
        }
    }

    [TestMethod]
    [DataRow("Push/TriedAgain", 503, "busy\n  for now")]
    [DataRow("Push/Refused", 400, "")]
    [DataRow("Push/RefusedWithReason", 400, "profile with labels '{__name__=\"memory\"}' is outside of ingestion window")]
    public void Push_reports_retries_and_refusals(string expectation, int status, string reason)
    {
        using var server = new GrowingServer();
        using var receiver = Receiver(reason, 200, status);
        var run = CommandRun.Of("push", server.Path, "--to", receiver.Address, "--name", "shop.api", "--periods", "2");
        Expectation.Verify(expectation, run.Error.Replace(receiver.Address, "http://SERVER"));
        Assert.AreEqual((status == 503 ? 0 : 1, ""), (run.ExitCode, run.Out));
    }

    [TestMethod]
    public void Push_that_fails_for_a_moment_is_tried_again()
    {
        using var receiver = Receiver("", 503, 429, 200, 500, 200);
        var said = new List<string>();
        using var client = new HttpClient();
        var pusher = new ProfilePusher(client, attempts: 3, TimeSpan.FromMilliseconds(1), said.Add);
        Assert.AreEqual(2, pusher.SendAll(Profiles(receiver, 2)).GetAwaiter().GetResult());
        CollectionAssert.AreEqual(
            new[]
            {
                "the server answered 503 Service Unavailable; trying again in 0 s", "the server answered 429 Too Many Requests; trying again in 0 s",
                "the server answered 500 Internal Server Error; trying again in 0 s",
            },
            said);
        Assert.HasCount(5, receiver.Requests);
        foreach (var request in receiver.Requests)
            ProfileIn(request);
    }

    [TestMethod]
    [DataRow(400, "the server answered 400 Bad Request; 1 profile sent before that")]
    [DataRow(503, "the server answered 503 Service Unavailable; 1 profile sent before that")]
    public void Refused_profile_ends_the_push(int status, string message)
    {
        using var receiver = Receiver("", 200, status, status, status);
        using var client = new HttpClient();
        var pusher = new ProfilePusher(client, attempts: 3, TimeSpan.FromMilliseconds(1), _ => { });
        var e = Assert.ThrowsExactly<IOException>(() => pusher.SendAll(Profiles(receiver, 50)).GetAwaiter().GetResult());
        Assert.AreEqual($"{receiver.Address}: {message}", e.Message);
        Assert.HasCount(status == 400 ? 2 : 4, receiver.Requests);
    }

    [TestMethod]
    public void Few_profiles_wait_in_memory_to_be_pushed()
    {
        using var receiver = new HttpReceiver();
        using var client = new HttpClient();
        var made = 0;
        var most = 0;
        var pusher = new ProfilePusher(client, attempts: 1, TimeSpan.Zero, _ => { });
        pusher.SendAll(Enumerable.Range(0, 100).Select(_ =>
        {
            most = Math.Max(most, ++made - receiver.Requests.Count);
            return Profiles(receiver, 1).Single();
        })).GetAwaiter().GetResult();
        Assert.HasCount(100, receiver.Requests);
        Assert.IsLessThanOrEqualTo(7, most);
    }

    [TestMethod]
    public void Push_without_a_server_is_one_line_and_exit_code_1()
    {
        using var server = new GrowingServer();
        var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        CommandRun.Of("push", server.Path, "--to", $"http://127.0.0.1:{port}", "--name", "x", "--attempts", "1")
            .AssertFailed(1, $"http://127.0.0.1:{port}: Connection refused; 0 profiles sent before that");
    }

    private static IEnumerable<PushedProfile> Profiles(HttpReceiver receiver, int count) =>
        Enumerable.Range(0, count).Select(_ => new PushedProfile(new Uri(receiver.Address + "/ingest?name=x"), []));

    private static long Sum(Profile profile, string type)
    {
        var index = profile.SampleType.Select(each => profile.StringTable[(int)each.Type]).ToList().IndexOf(type);
        return profile.Sample.Sum(sample => sample.Value[index]);
    }

    /// <summary>A server that gives these answers, then 200.</summary>
    private static HttpReceiver Receiver(string reason, params int[] statuses)
    {
        var left = new Queue<int>(statuses);
        return new HttpReceiver { Answer = _ => left.TryDequeue(out var status) && status != 200 ? new(status, reason) : new() };
    }

    /// <summary>The profile in a form. Some tests send none.</summary>
    private static Profile ProfileIn(ReceivedRequest request)
    {
        Assert.Contains("name=profile", Encoding.Latin1.GetString(request.Body));
        var start = request.Body.AsSpan().IndexOf(new byte[] { 0x1f, 0x8b, 8 }); // gzip
        if (start < 0)
            return new Profile();

        using var compressed = new GZipStream(new MemoryStream(request.Body[start..]), CompressionMode.Decompress);
        return Profile.Parser.ParseFrom(compressed);
    }
}
