using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;

namespace AllocTrace.Report.Push;

/// <summary>Handles user names and passwords in addresses: only the server gets them, and no message has them.</summary>
internal static partial class Secrets
{
    /// <summary>A text in which addresses have no user names and passwords.</summary>
    public static string Hidden(string text) => UserInfo().Replace(text, "$1…@");

    public static Uri Without(Uri address) => address.UserInfo == "" ? address : new UriBuilder(address) { UserName = "", Password = "" }.Uri;

    /// <summary>Returns the header with user name and password (RFC 7617); <see langword="null"/> if the address has none.</summary>
    public static AuthenticationHeaderValue? HeaderOf(Uri address) => address.UserInfo == ""
        ? null
        : new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(address.UserInfo))));

    /// <summary>From a scheme to the last @ before a slash or a blank: a password may have an @ of its own.</summary>
    [GeneratedRegex(@"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s]*@")]
    private static partial Regex UserInfo();
}
