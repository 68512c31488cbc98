using System.CommandLine;
using System.CommandLine.Help;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Commands;

/// <summary>The <c>alloctrace</c> command and its verbs.</summary>
internal sealed class Root : RootCommand, IExamples
{
    public Root(Output output)
        : base("Which Python line, reached how, holds the memory of a program that embeds CPython.")
    {
        Subcommands.Add(new RunCommand(output));
        Subcommands.Add(new CollectCommand(output));
        Subcommands.Add(AttachCommand.Attach(output));
        Subcommands.Add(AttachCommand.Detach(output));
        Subcommands.Add(LiveCommand.Create(output));
        Subcommands.Add(SnapshotCommand.Create(output));
        Subcommands.Add(StackCommand.Create(output));
        Subcommands.Add(DoctorCommand.Create(output));
        Subcommands.Add(SummaryCommand.Create(output));
        Subcommands.Add(CrashCommand.Create(output));
        Subcommands.Add(TopCommand.Create(output));
        Subcommands.Add(TreeCommand.Create(output));
        Subcommands.Add(LeaksCommand.Create(output));
        Subcommands.Add(TimelineCommand.Create(output));
        Subcommands.Add(DiffCommand.Create(output));
        Subcommands.Add(FlamegraphCommand.Create(output));
        Subcommands.Add(ExportCommand.Create(output));
        Subcommands.Add(MergeCommand.Create(output));
        Subcommands.Add(PushCommand.Create(output));
        Subcommands.Add(CompletionCommand.Create(output));

        var help = Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
    }

    public IReadOnlyList<string> Examples { get; } =
    [
        "alloctrace run -o app.db -- python3 app.py           # record a program",
        "alloctrace collect -o app.db FOLDER                  # what programs recorded with ALLOCTRACE=FOLDER",
        "alloctrace attach 4711 -o app.db                     # a Python that runs already; alloctrace detach 4711 ends it",
        "alloctrace live 4711                                 # what is alive now, second by second",
        "alloctrace summary app.db                            # how much, when, and which lines",
        "alloctrace top app.db                                # the lines that still hold memory at the end",
        "alloctrace tree app.db                               # how the program got there",
        "alloctrace leaks app.db                              # what kept growing",
        "alloctrace flamegraph app.db -o app.html             # a page to look around in",
        "alloctrace diff before.db after.db                   # what grew from one recording to another",
        "alloctrace export app.db --format csv -o app.csv     # everything, for a spreadsheet",
    ];
}
