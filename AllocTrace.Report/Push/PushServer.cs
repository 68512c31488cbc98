using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace AllocTrace.Report.Push;

/// <summary>A server of profiles, and what it takes to be let in.</summary>
/// <param name="Address">Its address. The user name and password in it are sent as basic authentication.</param>
/// <param name="Authorization">The header that identifies the sender, when it is not in the address.</param>
/// <param name="Tenant">The value of <c>X-Scope-OrgID</c>.</param>
/// <param name="Roots">The certificates that may sign the server's; <see langword="null"/>: the system's.</param>
internal sealed record PushServer(Uri Address, AuthenticationHeaderValue? Authorization = null, string? Tenant = null, X509Certificate2Collection? Roots = null)
{
    private const string TenantHeader = "X-Scope-OrgID";

    /// <summary>True if others on the way can read what identifies the sender.</summary>
    public bool ShowsSecrets => Address is { Scheme: "http", IsLoopback: false } && (Authorization is not null || Address.UserInfo != "");

    /// <summary>The server's name, for messages.</summary>
    public string Name => Secrets.Without(Address).GetLeftPart(UriPartial.Authority);

    /// <summary>Returns a client that sends to this server and to no other, and gives an answer over before it is read.</summary>
    /// <param name="timeout">The time limit of a request until the answer begins.</param>
    public HttpClient CreateClient(TimeSpan timeout)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false };
        if (Roots is not null)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(Roots);
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
        }

        var client = new HttpClient(handler) { Timeout = timeout };
        client.DefaultRequestHeaders.Authorization = Authorization ?? Secrets.HeaderOf(Address);
        if (Tenant is not null)
            client.DefaultRequestHeaders.Add(TenantHeader, Tenant);

        return client;
    }
}
