using System.Text;

namespace AllocTrace.Platform;

/// <summary>
/// Arguments and environment of this process as the system has them: bytes. The framework's text loses those that are not UTF-8, and a
/// traced program must get exactly what it would get without us.
/// </summary>
internal static class RawArguments
{
    /// <summary>The bytes of a command that the user typed at the end of our own command line.</summary>
    public static byte[][] OfCommand(IReadOnlyList<string> command)
    {
        var own = ReadList("/proc/self/cmdline");
        if (own.Length >= command.Count)
        {
            var last = own[^command.Count..];
            if (last.Select(Encoding.UTF8.GetString).SequenceEqual(command))
                return last;
        }

        return [.. command.Select(Encoding.UTF8.GetBytes)]; // it was not typed there
    }

    /// <summary>The environment with which this process was started, <c>NAME=value</c>, except some variables.</summary>
    public static List<byte[]> EnvironmentWithout(params string[] names) =>
        [.. ReadList("/proc/self/environ").Where(entry => !names.Any(name => entry.AsSpan().StartsWith(Encoding.UTF8.GetBytes(name + "="))))];

    private static byte[][] ReadList(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var list = new List<byte[]>();
        foreach (var range in bytes.AsSpan().Split((byte)0))
            list.Add(bytes[range]);

        if (list.Count > 0)
            list.RemoveAt(list.Count - 1); // what follows the last terminator

        return [.. list];
    }
}
