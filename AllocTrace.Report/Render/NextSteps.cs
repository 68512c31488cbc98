namespace AllocTrace.Report.Render;

/// <summary>Prints the commands to type next.</summary>
internal static class NextSteps
{
    public static void Write(Page page, string databasePath)
    {
        var file = ShellWord.Quote(databasePath);
        (string Command, string Why)[] steps =
        [
            ($"alloctrace leaks {file}", "what kept growing; full caches are left out"),
            ($"alloctrace memory {file}", "what the resident memory is"),
            ($"alloctrace tree {file}", "the calls that led to what is still held"),
            ($"alloctrace top {file} --view peak", "what held memory at the peak"),
            ($"alloctrace top {file} --view temporary", "blocks that are freed at once"),
            ($"alloctrace flamegraph {file}", "a page to explore"),
        ];
        page.Line("Next", Page.Heading);
        var width = steps.Max(step => step.Command.Length);
        foreach (var (command, why) in steps)
            page.Line($"  {command.PadRight(width)}  # {why}");
    }
}
