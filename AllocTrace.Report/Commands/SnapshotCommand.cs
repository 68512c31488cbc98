using System.CommandLine;

using AllocTrace.Report.Render;
using AllocTrace.Sessions;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace snapshot</c>: takes a named snapshot of a running recording.</summary>
internal static class SnapshotCommand
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    public static Command Create(Output output)
    {
        var pid = new Argument<uint>("PID") { Description = "A process that is being recorded" };
        var name = new Argument<string>("NAME") { Description = "The snapshot's name" };
        var command = new Verb(
            "snapshot",
            "Takes a named snapshot of the live memory of a process that is being recorded. The recording continues.",
            "alloctrace snapshot 4711 'after load'",
            "alloctrace top app.db --at 'after load'               # when the recording has ended")
        {
            pid, name,
        };
        command.SetAction(parsed =>
        {
            SnapshotRequest.Take(parsed.GetValue(pid), parsed.GetRequiredValue(name), _patience);
            output.Error.WriteLine($"alloctrace: process {parsed.GetValue(pid)}: snapshot \"{Printable.Text(parsed.GetRequiredValue(name))}\" taken");
            return ExitCode.Done;
        });
        return command;
    }
}
