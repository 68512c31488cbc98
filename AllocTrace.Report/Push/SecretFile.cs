using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace AllocTrace.Report.Push;

/// <summary>Reads what identifies a sender from files: a command line is seen by every user of a machine.</summary>
internal static class SecretFile
{
    private const int MostBytes = 64 << 10;

    /// <summary>Returns the header for a token (RFC 6750).</summary>
    /// <exception cref="UsageException">The file cannot be read, or what is in it is no token. No message has what is in the file.</exception>
    public static AuthenticationHeaderValue Bearer(string option, string path)
    {
        var token = LineOf(option, path);
        return token.Contains(' ') ? throw new UsageException($"{option}: {path} has blanks in its line: give a file with a token and nothing else") : new("Bearer", token);
    }

    /// <summary>Returns the header for a user name and a password (RFC 7617).</summary>
    /// <exception cref="UsageException">The file cannot be read, or what is in it is no name and password. No message has what is in the file.</exception>
    public static AuthenticationHeaderValue Basic(string option, string path)
    {
        var line = LineOf(option, path);
        return line.Contains(':') ? new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(line))) : throw new UsageException($"{option}: {path} has no ':': give a file with USER:PASSWORD");
    }

    /// <summary>Returns the certificates of a file in PEM format.</summary>
    /// <exception cref="UsageException">The file cannot be read, or has none.</exception>
    public static X509Certificate2Collection Roots(string option, string path)
    {
        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPemFile(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new UsageException($"{option}: {path} cannot be read: {e.Message}");
        }

        return roots.Count > 0 ? roots : throw new UsageException($"{option}: {path} has no certificate: give a file in PEM format");
    }

    private static string LineOf(string option, string path)
    {
        string text;
        try
        {
            using var file = File.OpenRead(path);
            var bytes = new byte[MostBytes];
            text = Encoding.UTF8.GetString(bytes, 0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{option}: {path} cannot be read: {e.Message}");
        }

        return text != "" && !text.Any(char.IsControl) ? text : throw new UsageException($"{option}: {path} is empty or has several lines: give a file with one line");
    }
}
