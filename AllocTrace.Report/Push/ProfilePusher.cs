using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Threading.Channels;

using AllocTrace.Report.Render;

namespace AllocTrace.Report.Push;

/// <summary>
/// Sends profiles one after another. Few wait in memory: whoever makes them waits when the server is slow. What fails for a moment (no connection, 429,
/// 5xx) is tried again, each time after twice as long, up to a number of attempts.
/// </summary>
/// <param name="client">Sends.</param>
/// <param name="attempts">How often a profile is tried.</param>
/// <param name="firstPause">How long to wait after the first failure.</param>
/// <param name="say">Told about every failure that is tried again.</param>
internal sealed class ProfilePusher(HttpClient client, int attempts, TimeSpan firstPause, Action<string> say)
{
    private const int MostWaiting = 4;
    private const int LongestReason = 300;

    /// <summary>How much of an answer is read for its reason, bytes: the server may be anybody's, and its answer endless.</summary>
    private const int MostAnswerBytes = 4096;

    /// <summary>How long one waits for a reason.</summary>
    private static readonly TimeSpan _answering = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(30);

    // The sample types as the server should show them; alloc_* are sums over a stretch of time, inuse_* the state at its end.
    private const string SampleTypes =
        """
        {"alloc_objects":{"units":"objects","display-name":"alloc_objects"},"alloc_space":{"units":"bytes","display-name":"alloc_space"},
        "inuse_objects":{"units":"objects","display-name":"inuse_objects","aggregation":"average"},
        "inuse_space":{"units":"bytes","display-name":"inuse_space","aggregation":"average"}}
        """;

    /// <summary>A client that sends to the address it was given and to no other, and gives an answer over before it is read.</summary>
    /// <param name="server">The server's address. Its user name and password are told to the server.</param>
    /// <param name="patience">How long a request may take until the answer begins.</param>
    public static HttpClient CreateClient(Uri server, TimeSpan patience)
    {
        var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { Timeout = patience };
        client.DefaultRequestHeaders.Authorization = Secrets.HeaderOf(server);
        return client;
    }

    /// <summary>Sends all; returns how many were taken.</summary>
    /// <param name="profiles">Made as they are needed.</param>
    /// <exception cref="IOException">A profile was refused, or could not be sent; those after it were not tried. The message is one line.</exception>
    public async Task<int> SendAll(IEnumerable<PushedProfile> profiles)
    {
        using var stop = new CancellationTokenSource();
        var queue = Channel.CreateBounded<PushedProfile>(MostWaiting);
        var producer = Task.Run(async () =>
        {
            try
            {
                foreach (var profile in profiles)
                    await queue.Writer.WriteAsync(profile, stop.Token);

                queue.Writer.Complete();
            }
            catch (Exception e)
            {
                queue.Writer.Complete(e);
            }
        });
        var sent = 0;
        try
        {
            await foreach (var profile in queue.Reader.ReadAllAsync())
            {
                await Send(profile, sent);
                sent++;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await producer;
        }

        return sent;
    }

    private async Task Send(PushedProfile profile, int sent)
    {
        var pause = firstPause;
        for (var attempt = 1; ; attempt++)
        {
            var problem = await TrySend(profile);
            if (problem is null)
                return;

            if (!problem.Value.IsPassing || attempt == attempts)
                throw new IOException($"{Secrets.Without(profile.Address).GetLeftPart(UriPartial.Authority)}: {problem.Value.Text}; {Numbers.Of(sent, "profile")} sent before");

            say($"{problem.Value.Text}; trying again in {pause.TotalSeconds:0.#} s");
            await Task.Delay(pause);
            pause = pause * 2 < _longestPause ? pause * 2 : _longestPause;
        }
    }

    private async Task<(string Text, bool IsPassing)?> TrySend(PushedProfile profile)
    {
        try
        {
            using var form = new MultipartFormDataContent
            {
                { new ByteArrayContent(profile.Content) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } }, "profile", "profile.pprof" },
                { new StringContent(SampleTypes, Encoding.UTF8, "application/json"), "sample_type_config", "sample_type_config.json" },
            };
            using var request = new HttpRequestMessage(HttpMethod.Post, profile.Address) { Content = form };
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            if (response.IsSuccessStatusCode)
                return null;

            if (response.Headers.Location is { } elsewhere)
                return ($"the server answered {(int)response.StatusCode}: it points to {OneLine(Pointed(profile.Address, elsewhere))}. Nothing is sent there; name it with --to if it is meant", false);

            var passing = response.StatusCode == HttpStatusCode.TooManyRequests || (int)response.StatusCode >= 500;
            var reason = OneLine(await Beginning(response.Content));
            return ($"the server answered {(int)response.StatusCode} {OneLine(response.ReasonPhrase ?? "")}{(reason == "" ? "" : $": {reason}")}", passing);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return (e.InnerException?.Message ?? e.Message, true);
        }
    }

    /// <summary>The server that an answer points to, without what is private in the address.</summary>
    private static string Pointed(Uri from, Uri to) => Secrets.Without(new Uri(from, to)).GetLeftPart(UriPartial.Path);

    /// <summary>The first bytes of an answer, as far as they come within a while.</summary>
    private static async Task<string> Beginning(HttpContent content)
    {
        using var end = new CancellationTokenSource(_answering);
        var bytes = new byte[MostAnswerBytes];
        var count = 0;
        try
        {
            await using var stream = await content.ReadAsStreamAsync(end.Token);
            while (count < bytes.Length && await stream.ReadAsync(bytes.AsMemory(count), end.Token) is > 0 and var read)
                count += read;
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
        {
            // What came has to do.
        }

        return Encoding.UTF8.GetString(bytes, 0, count);
    }

    private static string OneLine(string text)
    {
        var words = string.Join(' ', text.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries));
        return words.Length <= LongestReason ? words : $"{words[..LongestReason]}…";
    }
}
