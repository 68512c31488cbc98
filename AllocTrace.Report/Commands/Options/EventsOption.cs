using System.CommandLine;
using AllocTrace.Sessions;

namespace AllocTrace.Report.Commands;

/// <summary><c>run --events</c>: whether every event is kept, and in how many bytes.</summary>
internal static class EventsOption
{
    public static Option<ulong> Create() => new("--events")
    {
        Description = "Keep every call for 'export --events': on (up to 256 MiB), off, or the largest size of the log.",
        HelpName = "on|off|SIZE",
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = result =>
        {
            var text = result.Tokens is [var token] ? token.Value : "on";
            if (text is "on" or "off")
                return text == "on" ? RecordingOptions.UsualEvents : 0;

            if (SizeOption.TryParse(text, out var bytes) && (ulong)bytes >= RecordingOptions.SmallestEvents)
                return (ulong)bytes;

            result.AddError($"--events cannot be '{text}': give on, off, or the largest size of the log, 1MiB or more");
            return 0;
        },
    };
}
