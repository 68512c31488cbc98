using System.CommandLine;

namespace AllocTrace.Report.Commands;

/// <summary>Arguments and options that mean the same in every report.</summary>
internal static class ReportArguments
{
    public static Argument<string> File() => new("FILE")
    {
        Description = "The recording: a database written by 'alloctrace run' or 'collect', or the PID of a process that is being recorded.",
    };

    public static Option<long?> Process() => new("--process")
    {
        Description = "Only the process with this pid.",
        HelpName = "PID",
        CustomParser = result =>
        {
            if (long.TryParse(result.Tokens[0].Value, out var pid))
                return pid;

            result.AddError($"--process cannot be '{result.Tokens[0].Value}': it is the number of a process");
            return null;
        },
    };

    /// <summary>Rejects two options together.</summary>
    public static void AtMostOne(Command command, params Option[] options) => command.Validators.Add(result =>
    {
        var given = options.Where(option => result.GetResult(option) is { Implicit: false }).Select(option => option.Name).ToArray();
        if (given.Length > 1)
            result.AddError($"{given[0]} and {given[1]} exclude each other");
    });
}
