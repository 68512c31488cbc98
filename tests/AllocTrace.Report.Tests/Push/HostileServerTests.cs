using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

using AllocTrace.Report.Tests.Support;

namespace AllocTrace.Report.Tests.Push;

/// <summary>Tests servers that redirect a recording or answer without end, and the secrets in an address.</summary>
[TestClass]
public sealed class HostileServerTests
{
    [TestMethod]
    [DataRow("301 Moved Permanently")]
    [DataRow("302 Found")]
    [DataRow("307 Temporary Redirect")]
    [DataRow("308 Permanent Redirect")]
    public void Redirection_is_not_followed_and_fails(string status)
    {
        using var recording = new GrowingServer();
        using var elsewhere = new RawServer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        using var server = new RawServer($"HTTP/1.1 {status}\r\nLocation: http://me:secret@127.0.0.1:{elsewhere.Port}/other?token=secret\r\nContent-Length: 0\r\n\r\n");
        CommandRun.Of("push", recording.Path, "--to", $"http://127.0.0.1:{server.Port}", "--name", "x", "--periods", "2").AssertFailed(
            1,
            $"http://127.0.0.1:{server.Port}: the server answered {status[..3]}: it points to http://127.0.0.1:{elsewhere.Port}/other. Redirects are not followed: give that address with --to; 0 profiles sent before that");
        Assert.IsEmpty(elsewhere.Requests);
        Assert.HasCount(1, server.Requests);
    }

    [TestMethod]
    public void Endless_answer_is_read_to_where_a_reason_may_be()
    {
        using var recording = new GrowingServer();
        using var server = new RawServer("HTTP/1.1 400 Bad Request\r\n\r\n", isEndless: true);
        var before = GC.GetTotalAllocatedBytes();
        var run = CommandRun.Of("push", recording.Path, "--to", $"http://127.0.0.1:{server.Port}", "--name", "x", "--periods", "1");
        Assert.AreEqual(1, run.ExitCode);
        StringAssert.Contains(run.Error, "the server answered 400 Bad Request: xxxx");
        Assert.IsLessThan(1000, run.Error.Length);
        Assert.IsLessThan(64 << 20, GC.GetTotalAllocatedBytes() - before);
    }

    [TestMethod]
    public void Password_goes_to_the_server_and_into_no_message()
    {
        using var recording = new GrowingServer();
        using var server = new RawServer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        var run = CommandRun.Of("push", recording.Path, "--to", $"http://me:se%40cret@127.0.0.1:{server.Port}", "--name", "x", "--periods", "1");
        Assert.AreEqual((0, $"alloctrace: sent 1 profile to http://127.0.0.1:{server.Port}\n"), (run.ExitCode, run.Error));
        StringAssert.Contains(server.Requests.Single(), $"Authorization: Basic {Convert.ToBase64String("me:se@cret"u8)}");

        foreach (var address in new[] { "http://me:secret@127.0.0.1:1", "ftp://me:secret@host/", "http://me:secret@[x", "http://me:se@cret@host:port/" })
        {
            var failed = CommandRun.Of("push", recording.Path, "--to", address, "--name", "x", "--attempts", "2");
            Assert.AreNotEqual(0, failed.ExitCode);
            Assert.DoesNotContain("cret", failed.Error);
        }
    }

    /// <summary>Answers each connection with the same bytes, after the head of a request has come.</summary>
    private sealed class RawServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public RawServer(string answer, bool isEndless = false)
        {
            _listener.Start();
            _ = Serve(Encoding.ASCII.GetBytes(answer), isEndless);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public ConcurrentQueue<string> Requests { get; } = [];

        public void Dispose() => _listener.Dispose();

        private async Task Serve(byte[] answer, bool isEndless)
        {
            try
            {
                while (true)
                {
                    using var client = await _listener.AcceptTcpClientAsync();
                    var stream = client.GetStream();
                    Requests.Enqueue(await Request(stream));
                    await stream.WriteAsync(answer);
                    while (isEndless)
                        await stream.WriteAsync(Encoding.ASCII.GetBytes(new string('x', 65536)));
                }
            }
            catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
            {
                // The client has had enough, or the test is over.
            }
        }

        /// <summary>Reads a request whole: until its last boundary, which ends with two dashes.</summary>
        private static async Task<string> Request(NetworkStream stream)
        {
            var text = new StringBuilder();
            var buffer = new byte[65536];
            while (!text.ToString().EndsWith("--\r\n", StringComparison.Ordinal) && await stream.ReadAsync(buffer) is > 0 and var read)
                text.Append(Encoding.Latin1.GetString(buffer, 0, read));

            return text.ToString();
        }
    }
}
