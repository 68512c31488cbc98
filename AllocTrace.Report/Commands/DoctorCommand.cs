using System.CommandLine;

using AllocTrace.Report.Render;
using AllocTrace.Sessions;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace doctor</c>: checks what would be hooked, what would not, and why.</summary>
internal static class DoctorCommand
{
    public static Command Create(Output output)
    {
        var command = new Argument<string[]>("command")
        {
            Description = "A command to check, after --: it is run and recorded, and the recording is discarded.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var native = NativeOption.Create();
        var verb = new Verb(
            "doctor",
            "Checks whether recording works on this machine. With a command: lists the interpreters that were found, when, and what was missed.",
            "alloctrace doctor",
            "alloctrace doctor -- python3 -c pass",
            "alloctrace doctor -- ./host --once",
            "alloctrace doctor --native malloc -- ./host    # can its C allocations be recorded?")
        {
            native, command,
        };
        verb.SetAction(parsed =>
        {
            var page = new Page(output);
            Installation(page);
            return parsed.GetValue(command) is { Length: > 0 } words ? Try(page, words, NativeOption.Read(parsed, native)) : ExitCode.Done;
        });
        return verb;
    }

    private static void Installation(Page page)
    {
        page.Line($"library       {Recording.LibraryPath}");
        page.Line($"for --native  {Recording.ExporterPath}");
        page.Line($"startup hook  {Recording.StartupHookPath ?? "AllocTrace.dll of the package AllocTrace: this command has it compiled in"}");
        page.Line($"sessions      {SessionPlace()}");
        foreach (var (folder, bytes) in Recording.Left())
            page.Line($"left behind   {folder}, {Numbers.Size(bytes)}, by a killed run: alloctrace collect -o FILE.db {folder}", Page.Alarm);

        page.Line();
        page.Line("Any program:  LD_PRELOAD=<library> ALLOCTRACE=trace.db PROGRAM …");
        page.Line(".NET program: DOTNET_STARTUP_HOOKS=<startup hook> ALLOCTRACE=trace.db dotnet PROGRAM.dll …");
    }

    private static string SessionPlace() => Recording.SharedMemoryRoom is > 0 and var bytes
        ? $"/dev/shm, {Numbers.Size(bytes)} free"
        : $"{Path.GetTempPath()}: no shared memory (/dev/shm) has room, so records go to disk";

    private static int Try(Page page, string[] command, NativeMode native)
    {
        var folder = Directory.CreateTempSubdirectory("alloctrace-doctor-").FullName;
        try
        {
            using var recording = Recording.Start(command, Path.Combine(folder, "doctor.db"), overwrite: false, new RecordingOptions { Native = native });
            var result = recording.Wait();
            page.Line();
            page.Line($"{command[0]} ended with exit code {result.ExitCode}");
            foreach (var problem in result.Problems)
                page.Line(problem, Page.Alarm);

            if (result.DatabasePath is { } path)
            {
                using var database = TraceDatabase.Open(path);
                return Tell(page, database) ? ExitCode.Done : ExitCode.Failed;
            }

            page.Line("No Python that could be hooked ran. Possible reasons:", Page.Alarm);
            page.Line("  - the program has no CPython, or one built in without exported symbols (nm -D PROGRAM | grep PyMem_SetAllocator);");
            page.Line("  - the program is statically linked, or has more rights than its user (set-user-id), so nothing is preloaded;");
            page.Line("  - a script on the way clears LD_PRELOAD or ALLOCTRACE.");
            return ExitCode.Failed;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <returns>True if everything was recorded with stacks.</returns>
    internal static bool Tell(Page page, TraceDatabase database)
    {
        var isWell = true;
        foreach (var process in database.Processes)
        {
            page.Line();
            page.Line($"Process {process.Pid}: {process.Command}", Page.Heading);
            foreach (var runtime in database.Runtimes.Where(runtime => runtime.Process == process.Id))
            {
                page.Line($"  CPython {runtime.Version.Split(' ')[0]} in {(runtime.Library == "" ? "the executable" : runtime.Library)}");
                page.Line($"  found {Occasion(runtime.Found)}");
                if (runtime.WasInitialized)
                    page.Line("  it was running already: earlier allocations are not known", Page.Alarm);

                page.Line(runtime.HasStacks ? "  stacks are on" : $"  no stacks: {runtime.Stacks}", runtime.HasStacks ? Page.Dim : Page.Alarm);
                isWell &= runtime.HasStacks && !runtime.WasInitialized;
            }

            if (database.Native.FirstOrDefault(native => native.Process == process.Id) is { } native)
            {
                NativeCaveats.Write(page, native);
                isWell &= native.IsWhole;
            }

            if (process.UnknownFrees > 0)
                page.Line($"  {Numbers.Of(process.UnknownFrees, "free")} of blocks that were allocated before the hooks were installed, or while they were replaced");
        }

        foreach (var loss in database.Losses)
        {
            page.Line($"  missing: {loss.Reason.Word()}", Page.Alarm);
            isWell = false;
        }

        return isWell;
    }

    private static string Occasion(RuntimeFound found) => found switch
    {
        RuntimeFound.AtLoad => "when the library was loaded: before its first allocation",
        RuntimeFound.Dlsym => "when the host looked up one of its functions, before the first call",
        RuntimeFound.Getenv => "when it asked for its first environment variable",
        RuntimeFound.Start => "when the host started the recording",
        _ => "on an occasion that this version does not know",
    };
}
