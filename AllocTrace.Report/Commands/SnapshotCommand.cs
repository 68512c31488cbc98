using System.CommandLine;

using AllocTrace.Report.Render;
using AllocTrace.Sessions;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace snapshot</c>: takes a named snapshot of a running recording.</summary>
internal static class SnapshotCommand
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(30), _timeoutWithObjects = TimeSpan.FromSeconds(120);

    public static Command Create(Output output)
    {
        var pid = new Argument<uint>("PID") { Description = "A process that is being recorded." };
        var name = new Argument<string>("NAME") { Description = "The snapshot's name." };
        var objects = new Option<bool>("--objects") { Description = "Read the types and holders of its blocks, from a copy of the process." };
        var command = new Verb(
            "snapshot",
            "Takes a named snapshot of the live memory of a process that is being recorded. The recording continues.",
            "alloctrace snapshot 4711 'after load'",
            "alloctrace snapshot 4711 busy --objects               # then: alloctrace holders app.db FILE:LINE --at busy",
            "alloctrace top app.db --at 'after load'               # when the recording has ended")
        {
            pid, name, objects,
        };
        command.SetAction(parsed =>
        {
            var wantsObjects = parsed.GetValue(objects);
            var note = SnapshotRequest.Take(parsed.GetValue(pid), parsed.GetRequiredValue(name), wantsObjects ? _timeoutWithObjects : _timeout, wantsObjects);
            output.Error.WriteLine($"alloctrace: process {parsed.GetValue(pid)}: snapshot \"{Printable.Text(parsed.GetRequiredValue(name))}\" taken{(note.Length > 0 ? $"; {Printable.Text(note)}" : "")}");
            return ExitCode.Done;
        });
        return command;
    }
}
