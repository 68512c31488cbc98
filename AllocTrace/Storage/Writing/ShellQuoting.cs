using System.Buffers;

namespace AllocTrace.Storage;

/// <summary>Writes arguments as a shell needs them.</summary>
internal static class ShellQuoting
{
    private static readonly SearchValues<char> _plain =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-");

    /// <summary>The arguments as one line.</summary>
    public static string Join(IEnumerable<string> arguments) => string.Join(' ', arguments.Select(Quote));

    /// <summary>An argument, in single quotes when it needs them.</summary>
    public static string Quote(string argument) => argument.Length > 0 && !argument.AsSpan().ContainsAnyExcept(_plain)
        ? argument
        : $"'{argument.Replace("'", "'\\''")}'";
}
