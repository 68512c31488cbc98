using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Testing;

namespace AllocTrace.Report.Tests.Push;

/// <summary>Tests the credentials and certificates of a server, for both formats.</summary>
[TestClass]
public sealed class ServerOptionTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    [DataRow("ingest")]
    [DataRow("otlp")]
    public void Tokens_passwords_and_tenants_come_from_files_and_reach_the_server_alone(string format)
    {
        using var recording = new GrowingServer();
        using var receiver = new HttpReceiver();
        File.WriteAllText(_folder.File("token"), "s3cret.token\n");
        File.WriteAllText(_folder.File("password"), "me:s3cret word\n");
        Push("--bearer-file", _folder.File("token"), "--tenant", "team-1");
        Push("--basic-file", _folder.File("password"));
        var requests = receiver.Requests.ToArray();
        Assert.AreEqual(("Bearer s3cret.token", "team-1"), (requests[0].Headers["Authorization"], requests[0].Headers["X-Scope-OrgID"]));
        Assert.AreEqual(($"Basic {Convert.ToBase64String("me:s3cret word"u8)}", null), (requests[1].Headers["Authorization"], requests[1].Headers["X-Scope-OrgID"]));

        void Push(params string[] more)
        {
            var run = CommandRun.Of(["push", recording.Path, "--format", format, "--to", receiver.Address, "--name", "x", "--periods", "1", .. more]);
            Assert.AreEqual((0, $"alloctrace: sent 1 profile to {receiver.Address}\n"), (run.ExitCode, run.Error));
        }
    }

    [TestMethod]
    [DataRow("--bearer-file", "two words", "has blanks in its line: give a file with a token and nothing else")]
    [DataRow("--bearer-file", "", "is empty or has several lines: give a file with one line")]
    [DataRow("--basic-file", "s3cret\ns3cret", "is empty or has several lines: give a file with one line")]
    [DataRow("--basic-file", "s3cret", "has no ':': give a file with USER:PASSWORD")]
    [DataRow("--ca", "s3cret", "has no certificate: give a file in PEM format")]
    public void File_with_something_else_is_one_line_without_what_is_in_it(string option, string content, string message)
    {
        using var recording = new GrowingServer();
        var file = _folder.File("secret");
        File.WriteAllText(file, content);
        CommandRun.Of("push", recording.Path, "--to", "http://127.0.0.1:1", "--name", "x", option, file).AssertFailed(2, $"{option}: {file} {message}");
    }

    [TestMethod]
    public void Server_is_believed_if_its_certificate_is_signed_by_the_given_one()
    {
        using var recording = new GrowingServer();
        using var server = new TlsServer();
        File.WriteAllText(_folder.File("ca.pem"), server.Root.ExportCertificatePem());
        var run = CommandRun.Of("push", recording.Path, "--format", "otlp", "--to", server.Address, "--name", "x", "--periods", "1", "--ca", _folder.File("ca.pem"));
        Assert.AreEqual((0, $"alloctrace: sent 1 profile to {server.Address}\n"), (run.ExitCode, run.Error));

        var other = CommandRun.Of("push", recording.Path, "--format", "otlp", "--to", server.Address, "--name", "x", "--periods", "1", "--attempts", "1");
        Assert.AreEqual(1, other.ExitCode);
        StringAssert.Contains(other.Error, "certificate");
    }

    /// <summary>A server with a certificate of its own authority, which accepts everything.</summary>
    private sealed class TlsServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly X509Certificate2 _certificate;

        public TlsServer()
        {
            using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=test root", rootKey, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
            Root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var own = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("localhost");
            own.CertificateExtensions.Add(names.Build());
            using var signed = own.Create(Root, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3]);
            using var withKey = signed.CopyWithPrivateKey(key);
            _certificate = X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
            _listener.Start();
            _ = Serve();
        }

        public X509Certificate2 Root { get; }

        public string Address => $"https://localhost:{((IPEndPoint)_listener.LocalEndpoint).Port}";

        public void Dispose()
        {
            _listener.Dispose();
            Root.Dispose();
            _certificate.Dispose();
        }

        private async Task Serve()
        {
            while (true)
            {
                try
                {
                    using var client = await _listener.AcceptTcpClientAsync();
                    await using var stream = new SslStream(client.GetStream());
                    await stream.AuthenticateAsServerAsync(_certificate);
                    var (buffer, read, text) = (new byte[1 << 20], 0, "");
                    while (!text.Contains("\r\n\r\n", StringComparison.Ordinal) || read < text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4 + Length(text))
                    {
                        read += await stream.ReadAsync(buffer.AsMemory(read));
                        text = Encoding.Latin1.GetString(buffer, 0, read);
                    }

                    await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());
                }
                catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
                {
                    // The client does not believe it.
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    return;
                }
            }
        }

        private static int Length(string head) => int.Parse(head.Split("Content-Length: ")[1].Split('\r')[0], System.Globalization.CultureInfo.InvariantCulture);
    }
}
