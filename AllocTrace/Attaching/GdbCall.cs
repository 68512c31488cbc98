using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace AllocTrace.Attaching;

/// <summary>The commands with which gdb has a stopped process load the library and call one of its functions, and gdb's answer.</summary>
internal static partial class GdbCall
{
    private const int RoomBytes = 16384, PathAt = 8192, OptionsAt = 12800;

    /// <summary>Returns the commands. They need no symbols of the process.</summary>
    public static IEnumerable<string> Script(CLibrary libc, RemoteCall call)
    {
        yield return $"set $room = ((char *(*)(unsigned long)){libc.Malloc})({RoomBytes})";
        yield return $"set {Text(call.Library, 0)}";
        yield return $"set $library = ((void *(*)(char *, int)){libc.Open})($room, 2)";
        yield return $"set $result = {RemoteCall.NotLoaded}";
        yield return "if $library";
        yield return $"  set {Text("alloctrace_get_status", 0)}";
        yield return $"  set $status = ((void *(*)(void *, char *)){libc.Look})($library, $room)";
        yield return $"  set {Text(call.Function, 0)}";
        yield return $"  set $function = ((void *(*)(void *, char *)){libc.Look})($library, $room)";
        yield return $"  set {{unsigned int}}$room = {RemoteCall.StatusBytes}";
        yield return "  set $result = ((int (*)(void *))$status)($room)";
        yield return $"  if {(call.Path is null ? "0" : "{unsigned int}($room + 4) != 0")}";
        yield return $"    set $result = {RemoteCall.AlreadyRecording}";
        yield return "  else";
        yield return $"    set {Text(call.Path ?? "", PathAt)}";
        yield return $"    set {Text(call.Options, OptionsAt)}";
        yield return $"    set $result = ((int (*)(char *, char *))$function)($room + {PathAt}, $room + {OptionsAt})";
        yield return "  end";
        yield return "end";
        yield return $"set $nothing = ((int (*)(void *)){libc.Free})($room)";
        yield return "printf \"alloctrace-answer %d\\n\", $result";
        yield return "detach";
    }

    /// <summary>Returns the result of the call, or <see langword="null"/> if it was not made.</summary>
    /// <param name="output">The text that gdb printed.</param>
    public static int? Result(string output) =>
        Answer().Match(output) is { Success: true } answer ? int.Parse(answer.Groups[1].Value, CultureInfo.InvariantCulture) : null;

    /// <summary>An assignment of bytes as numbers: nothing in a name can be taken for a command.</summary>
    private static string Text(string text, int at)
    {
        byte[] bytes = [.. Encoding.UTF8.GetBytes(text), 0];
        return $"{{unsigned char[{bytes.Length}]}}($room + {at}) = {{{string.Join(", ", bytes.Select(value => $"(unsigned char){value}"))}}}";
    }

    [GeneratedRegex(@"alloctrace-answer (-?\d+)")]
    private static partial Regex Answer();
}
