using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Text;

namespace AllocTrace.Report.Tests.Support;

/// <summary>A request that a <see cref="HttpReceiver"/> received.</summary>
internal sealed record ReceivedRequest(Uri Url, WebHeaderCollection Headers, byte[] Body)
{
    /// <summary>The body without its compression.</summary>
    public Stream Content() => Headers["Content-Encoding"] == "gzip" ? new GZipStream(new MemoryStream(Body), CompressionMode.Decompress) : new MemoryStream(Body);
}

/// <summary>The answer of a <see cref="HttpReceiver"/>.</summary>
internal sealed record ReceiverAnswer(int Status = 200, string Body = "", string? Type = null, string? Location = null, int DelayMs = 0);

/// <summary>A server on this machine that keeps its requests and gives set answers.</summary>
internal sealed class HttpReceiver : IDisposable
{
    private readonly HttpListener _listener;
    private readonly Task _serving;

    public HttpReceiver(int? port = null)
    {
        // A port is free until somebody else takes it: try the next one then.
        for (var number = port ?? Random.Shared.Next(20_000, 50_000); ; number++)
        {
            var listener = new HttpListener { Prefixes = { $"http://127.0.0.1:{number}/" } };
            try
            {
                listener.Start();
                (_listener, Port) = (listener, number);
                break;
            }
            catch (HttpListenerException) when (port is null)
            {
                listener.Close();
            }
        }

        _serving = Serve();
    }

    public int Port { get; }

    public string Address => $"http://127.0.0.1:{Port}";

    public ConcurrentQueue<ReceivedRequest> Requests { get; } = [];

    /// <summary>Returns the answer to a request; called for each.</summary>
    public Func<ReceivedRequest, ReceiverAnswer> Answer { get; set; } = _ => new();

    public void Dispose()
    {
        _listener.Abort();
        _serving.Wait();
    }

    private async Task Serve()
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

            try
            {
                await Reply(context);
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or IOException)
            {
                // The client has had enough, or the test is over.
            }
        }
    }

    private async Task Reply(HttpListenerContext context)
    {
        using var body = new MemoryStream();
        await context.Request.InputStream.CopyToAsync(body);
        var request = new ReceivedRequest(context.Request.Url!, (WebHeaderCollection)context.Request.Headers, body.ToArray());
        var answer = Answer(request);
        Requests.Enqueue(request);
        await Task.Delay(answer.DelayMs);
        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = answer.Type;
        if (answer.Location is not null)
            context.Response.RedirectLocation = answer.Location;

        context.Response.OutputStream.Write(Encoding.UTF8.GetBytes(answer.Body));
        context.Response.Close();
    }
}
