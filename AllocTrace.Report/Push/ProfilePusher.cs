using System.Threading.Channels;

using AllocTrace.Report.Render;

namespace AllocTrace.Report.Push;

/// <summary>
/// Sends profiles one after another. Few wait in memory: their producer waits if the server is slow. A passing failure (no connection, 429,
/// 5xx) is tried again after twice the time, up to a number of attempts.
/// </summary>
/// <param name="client">Sends.</param>
/// <param name="attempts">The number of attempts to send a profile.</param>
/// <param name="firstPause">The time to wait after the first failure.</param>
/// <param name="say">Called with every failure that is tried again.</param>
internal sealed class ProfilePusher(HttpClient client, int attempts, TimeSpan firstPause, Action<string> say)
{
    private const int MostWaiting = 4;

    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(30);

    private readonly ProfileSender _sender = new(client);

    /// <summary>Sends all; returns how many were taken.</summary>
    /// <param name="profiles">The profiles, produced as they are sent.</param>
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
            var problem = await _sender.TrySend(profile);
            if (problem is null)
                return;

            if (!problem.IsPassing || attempt == attempts)
                throw new IOException($"{Secrets.Without(profile.Address).GetLeftPart(UriPartial.Authority)}: {problem.Text}; {Numbers.Of(sent, "profile")} sent before that");

            if (problem.RetryAfter is { } asked && asked > pause)
                pause = asked < _longestPause ? asked : _longestPause;

            say($"{problem.Text}; trying again in {pause.TotalSeconds:0.#} s");
            await Task.Delay(pause);
            pause = pause * 2 < _longestPause ? pause * 2 : _longestPause;
        }
    }
}
