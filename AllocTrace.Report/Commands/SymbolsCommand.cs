using System.CommandLine;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace symbols</c>: looks again for the names of C functions.</summary>
internal static class SymbolsCommand
{
    public static Command Create(Output output)
    {
        var file = new Argument<string>("FILE") { Description = "The recording; its C functions get the names that are found." };
        var folders = new Option<string[]>("--debug-folder")
        {
            Description = "A folder with debug files by build id (FOLDER/.build-id/ab/cdef….debug), beside /usr/lib/debug. Can be repeated.",
            HelpName = "FOLDER",
        };
        var command = new Verb(
            "symbols",
            "Looks again for the names of C functions in a recording with C stacks, after symbols were installed, or on another machine.",
            "alloctrace symbols app.db",
            "alloctrace symbols app.db --debug-folder ./symbols")
        {
            file, folders,
        };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(file);
            var result = NativeNames.Update(path, parsed.GetValue(folders) ?? []);
            output.Out.WriteLine($"{Numbers.Of(result.Named, "C function")} got a name, {Numbers.Whole(result.Unnamed)} have none");
            foreach (var (image, count) in result.UnnamedByImage)
                output.Out.WriteLine($"  {Numbers.Of(count, "function")} of {Printable.Text(image)}");

            return ExitCode.Done;
        });
        return command;
    }
}
