using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Web;
using AllocTrace.Report.Export.Pprof;
using AllocTrace.Report.Push;
using AllocTrace.Report.Tests.Support;

namespace AllocTrace.Report.Tests.Push;

[TestClass]
public sealed class PushTests
{
    [TestMethod]
    public void Series_arrives_in_order_with_name_labels_and_times()
    {
        using var server = new GrowingServer();
        using var receiver = new Receiver();
        var run = CommandRun.Of("push", server.Path, "--to", receiver.Address, "--name", "shop.api", "--label", "env=ci", "--label", "host=a b", "--periods", "4");
        Assert.AreEqual($"alloctrace: sent 4 profiles to {receiver.Address}\n", run.Error);
        Assert.AreEqual(0, run.ExitCode);

        var requests = receiver.Requests.ToArray();
        Assert.HasCount(4, requests);
        long[] inUse = [300_000, 400_000, 450_000, 500_000];
        for (var i = 0; i < requests.Length; i++)
        {
            var query = HttpUtility.ParseQueryString(requests[i].Url.Query);
            Assert.AreEqual("/ingest", requests[i].Url.AbsolutePath);
            Assert.AreEqual("shop.api{env=ci,host=a b,pid=77}", query["name"]);
            Assert.AreEqual("pprof", query["format"]);
            Assert.IsLessThan(long.Parse(query["until"]!, CultureInfo.InvariantCulture), long.Parse(query["from"]!, CultureInfo.InvariantCulture));
            var profile = requests[i].Profile;
            Assert.AreEqual(inUse[i], Sum(profile, "inuse_space"));
            Assert.AreEqual(i == 0 ? 800_000 : i == 1 ? 600_000 : 550_000, Sum(profile, "alloc_space"));
        }
    }

    [TestMethod]
    public void What_fails_for_a_moment_is_tried_again()
    {
        using var receiver = new Receiver(503, 429, 200, 500, 200);
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
    }

    [TestMethod]
    [DataRow(400, "the server answered 400 Bad Request; 1 profiles were sent before")]
    [DataRow(503, "the server answered 503 Service Unavailable; 1 profiles were sent before")]
    public void What_is_refused_ends_it(int status, string message)
    {
        using var receiver = new Receiver(200, status, status, status);
        using var client = new HttpClient();
        var pusher = new ProfilePusher(client, attempts: 3, TimeSpan.FromMilliseconds(1), _ => { });
        var e = Assert.ThrowsExactly<IOException>(() => pusher.SendAll(Profiles(receiver, 50)).GetAwaiter().GetResult());
        Assert.AreEqual($"{receiver.Address}: {message}", e.Message);
        Assert.HasCount(status == 400 ? 2 : 4, receiver.Requests);
    }

    [TestMethod]
    public void Few_profiles_wait_in_memory()
    {
        using var receiver = new Receiver();
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
    public void Nobody_there_is_one_line_and_exit_code_1()
    {
        using var server = new GrowingServer();
        var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        CommandRun.Of("push", server.Path, "--to", $"http://127.0.0.1:{port}", "--name", "x", "--attempts", "1")
            .AssertFailed(1, $"http://127.0.0.1:{port}: Connection refused; 0 profiles were sent before");
    }

    private static IEnumerable<PushedProfile> Profiles(Receiver receiver, int count) =>
        Enumerable.Range(0, count).Select(_ => new PushedProfile(new Uri(receiver.Address + "/ingest?name=x"), []));

    private static long Sum(Profile profile, string type)
    {
        var index = profile.SampleType.Select(each => profile.StringTable[(int)each.Type]).ToList().IndexOf(type);
        return profile.Sample.Sum(sample => sample.Value[index]);
    }

    /// <summary>A server that keeps what it gets, and answers as told, then with 200.</summary>
    private sealed class Receiver : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly Task _serving;

        public Receiver(params int[] answers)
        {
            // The port is free until somebody else takes it: try again then.
            for (var port = Random.Shared.Next(20_000, 50_000); ; port++)
            {
                try
                {
                    _listener.Prefixes.Clear();
                    _listener.Prefixes.Add($"http://127.0.0.1:{port}/");
                    _listener.Start();
                    Address = $"http://127.0.0.1:{port}";
                    break;
                }
                catch (HttpListenerException)
                {
                }
            }

            _serving = Serve(new Queue<int>(answers));
        }

        public string Address { get; }

        public ConcurrentQueue<(Uri Url, Profile Profile)> Requests { get; } = [];

        public void Dispose()
        {
            _listener.Abort();
            _serving.Wait();
        }

        private async Task Serve(Queue<int> answers)
        {
            while (true)
            {
                HttpListenerContext context;
                try
                {
                    context = await _listener.GetContextAsync();
                }
                catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
                {
                    return;
                }

                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                Requests.Enqueue((context.Request.Url!, ProfileIn(body.ToArray())));
                context.Response.StatusCode = answers.TryDequeue(out var status) ? status : 200;
                context.Response.Close();
            }
        }

        private static Profile ProfileIn(byte[] body)
        {
            Assert.Contains("name=profile", Encoding.Latin1.GetString(body));
            var start = body.AsSpan().IndexOf(new byte[] { 0x1f, 0x8b, 8 }); // gzip; some tests send nothing
            if (start < 0)
                return new Profile();

            using var compressed = new GZipStream(new MemoryStream(body[start..]), CompressionMode.Decompress);
            return Profile.Parser.ParseFrom(compressed);
        }
    }
}
