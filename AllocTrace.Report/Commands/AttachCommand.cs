using System.CommandLine;

using AllocTrace.Attaching;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace attach</c> and <c>alloctrace detach</c>: recording a process that runs already.</summary>
internal static class AttachCommand
{
    public static Command Attach(Output output)
    {
        var pid = Pid();
        var patience = Patience();
        var path = new Option<string?>("--output", "-o")
        {
            Description = "The database to write [default: alloctrace-PID.db in the current folder]",
            HelpName = "FILE.db",
        };
        var recording = new RecordingOptionSet();
        var command = new Verb(
            "attach",
            "Starts recording a running Python process, from now on. Needs gdb before CPython 3.14.",
            "alloctrace attach 4711 -o app.db",
            "alloctrace attach 4711 --native malloc               # memory of C libraries, too: malloc and mmap",
            "alloctrace attach 4711 --sample 512KiB               # estimates, at a fraction of the cost",
            "alloctrace detach 4711                               # ends the recording; the process continues")
        {
            pid, path, patience,
        };
        foreach (var option in recording.Options)
            command.Add(option);

        command.Validators.Add(recording.Validate);
        command.SetAction(parsed =>
        {
            var number = parsed.GetValue(pid);
            var database = parsed.GetValue(path) ?? $"alloctrace-{number}.db";
            using var interrupt = new Interrupt();
            Attachment.Start(number, database, TimeSpan.FromSeconds(parsed.GetValue(patience)), recording.Read(parsed), interrupt.Token);
            output.Error.WriteLine($"alloctrace: process {number} is being recorded. {Printable.Text(database)} is complete when the process ends, or after 'alloctrace detach {number}'");
            return ExitCode.Done;
        });
        return command;
    }

    public static Command Detach(Output output)
    {
        var pid = Pid();
        var patience = Patience();
        var command = new Verb(
            "detach",
            "Ends the recording of a process and completes its database. The process continues.",
            "alloctrace detach 4711")
        {
            pid, patience,
        };
        command.SetAction(parsed =>
        {
            var number = parsed.GetValue(pid);
            using var interrupt = new Interrupt();
            var left = Attachment.Stop(number, TimeSpan.FromSeconds(parsed.GetValue(patience)), interrupt.Token);
            output.Error.WriteLine($"alloctrace: process {number} is no longer recorded{(left is null ? ", and its database is complete" : $". Its database is complete when the collector of {Printable.Text(left)} is done")}");
            return ExitCode.Done;
        });
        return command;
    }

    private static Argument<uint> Pid() => new("PID") { Description = "A running process" };

    private static Option<uint> Patience() => new("--timeout")
    {
        Description = "The time to wait until the process runs Python code",
        HelpName = "SECONDS",
        DefaultValueFactory = _ => 30,
    };
}
