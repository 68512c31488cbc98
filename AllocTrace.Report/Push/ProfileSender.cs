using System.Net;
using System.Text;

namespace AllocTrace.Report.Push;

/// <summary>The reason for which a profile was not taken.</summary>
/// <param name="Text">The reason, one line.</param>
/// <param name="IsPassing">True if the same profile may be taken later.</param>
/// <param name="RetryAfter">The time for which the server asks not to be called; <see langword="null"/> if it gave none.</param>
/// <param name="Status">The status of the answer; <see langword="null"/> if there was none.</param>
/// <param name="Rejected">The number of rejected profiles of a request that was otherwise taken.</param>
internal sealed record SendProblem(string Text, bool IsPassing, TimeSpan? RetryAfter = null, int? Status = null, long Rejected = 0);

/// <summary>Sends one profile once. Redirects are not followed.</summary>
/// <param name="client">Sends.</param>
internal sealed class ProfileSender(HttpClient client)
{
    private const int LongestReason = 300;

    /// <summary>The largest number of bytes read of an answer for its reason: the server may be anybody's, and its answer endless.</summary>
    private const int MostAnswerBytes = 4096;

    /// <summary>The time limit for a reason.</summary>
    private static readonly TimeSpan _answering = TimeSpan.FromSeconds(5);

    /// <summary>Sends a profile.</summary>
    /// <returns>The reason for which it was not taken; <see langword="null"/> if it was.</returns>
    public async Task<SendProblem?> TrySend(PushedProfile profile, CancellationToken stop = default)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, profile.Address) { Content = profile.ToBody() };
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
            if (response.IsSuccessStatusCode)
                return profile.Format == PushFormat.Otlp ? await OtlpProblem(response.Content) : null;

            if (response.Headers.Location is { } elsewhere)
                return new($"the server answered {(int)response.StatusCode}: it points to {OneLine(Pointed(profile.Address, elsewhere))}. Redirects are not followed: give that address with --to", false, Status: (int)response.StatusCode);

            var passing = response.StatusCode == HttpStatusCode.TooManyRequests || (int)response.StatusCode >= 500;
            var reason = OneLine(Encoding.UTF8.GetString(await Beginning(response.Content)));
            return new(
                $"the server answered {(int)response.StatusCode} {OneLine(response.ReasonPhrase ?? "")}{(reason == "" ? "" : $": {reason}")}",
                passing,
                response.Headers.RetryAfter?.Delta,
                (int)response.StatusCode);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !stop.IsCancellationRequested)
        {
            return new(OneLine(e.InnerException?.Message ?? e.Message), true);
        }
    }

    private static async Task<SendProblem?> OtlpProblem(HttpContent content) =>
        OtlpAnswer.ProblemOf(content.Headers.ContentType?.MediaType, await Beginning(content)) is { } problem ? problem with { Text = OneLine(problem.Text) } : null;

    /// <summary>The server that an answer points to, without what is private in the address.</summary>
    private static string Pointed(Uri from, Uri to) => Secrets.Without(new Uri(from, to)).GetLeftPart(UriPartial.Path);

    /// <summary>The first bytes of an answer, as far as they come within a while.</summary>
    private static async Task<byte[]> Beginning(HttpContent content)
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
            // The part of the answer that arrived is used.
        }

        return bytes[..count];
    }

    private static string OneLine(string text)
    {
        var words = string.Join(' ', text.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries));
        return words.Length <= LongestReason ? words : $"{words[..LongestReason]}…";
    }
}
