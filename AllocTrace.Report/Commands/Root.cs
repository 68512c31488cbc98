using System.CommandLine;
using System.CommandLine.Help;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Commands;

/// <summary>The <c>alloctrace</c> command and its verbs.</summary>
internal sealed class Root : RootCommand, IExamples
{
    private static readonly (string Name, Func<Output, Command> Create)[] _verbs =
    [
        ("run", static output => new RunCommand(output)),
        ("collect", static output => new CollectCommand(output)),
        ("agent", static output => AgentCommand.Create(output)),
        ("attach", static output => AttachCommand.Attach(output)),
        ("detach", static output => AttachCommand.Detach(output)),
        ("live", static output => LiveCommand.Create(output)),
        ("snapshot", static output => SnapshotCommand.Create(output)),
        ("stack", static output => StackCommand.Create(output)),
        ("doctor", static output => DoctorCommand.Create(output)),
        ("summary", static output => SummaryCommand.Create(output)),
        ("crash", static output => CrashCommand.Create(output)),
        ("top", static output => TopCommand.Create(output)),
        ("tree", static output => TreeCommand.Create(output)),
        ("holders", static output => HoldersCommand.Create(output)),
        ("memory", static output => MemoryCommand.Create(output)),
        ("leaks", static output => LeaksCommand.Create(output)),
        ("timeline", static output => TimelineCommand.Create(output)),
        ("diff", static output => DiffCommand.Create(output)),
        ("flamegraph", static output => FlamegraphCommand.Create(output)),
        ("export", static output => ExportCommand.Create(output)),
        ("symbols", static output => SymbolsCommand.Create(output)),
        ("merge", static output => MergeCommand.Create(output)),
        ("push", static output => PushCommand.Create(output)),
        ("completion", static output => CompletionCommand.Create(output)),
    ];

    /// <param name="output">The output of the commands.</param>
    /// <param name="first">The first argument. When it is a verb, the others are not made: building them all takes longer than the rest of the start.</param>
    public Root(Output output, string? first = null)
        : base("Shows which Python line is holding the memory of a program that runs or embeds CPython, and how the program got there.")
    {
        var asked = Array.FindAll(_verbs, verb => verb.Name == first);
        foreach (var verb in asked is [] ? _verbs : asked)
            Subcommands.Add(verb.Create(output));

        var help = Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
    }

    public IReadOnlyList<string> Examples { get; } =
    [
        "alloctrace run -o app.db -- python3 app.py           # record a program",
        "alloctrace collect -o app.db FOLDER                  # what programs with ALLOCTRACE=FOLDER recorded",
        "alloctrace attach 4711 -o app.db                     # record a running Python; alloctrace detach 4711 ends it",
        "alloctrace live 4711                                 # its live memory, second by second",
        "alloctrace summary app.db                            # totals, peak, and the lines to look at",
        "alloctrace top app.db                                # the lines that still hold memory at the end",
        "alloctrace tree app.db                               # how the program got there",
        "alloctrace leaks app.db                              # what kept growing",
        "alloctrace holders app.db models.py:120              # what these objects are, and who holds them",
        "alloctrace memory app.db                             # what the resident memory is, and what returns it",
        "alloctrace flamegraph app.db -o app.html             # a page to explore",
        "alloctrace diff before.db after.db                   # growth from one recording to another",
        "alloctrace export app.db --format csv -o app.csv     # everything, for a spreadsheet",
    ];
}
