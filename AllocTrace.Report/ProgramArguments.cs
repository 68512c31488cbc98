using System.CommandLine;

namespace AllocTrace.Report;

/// <summary>
/// Finds where the program begins in the command line of a verb that runs one: everything from there on is the program's, options that look like ours too.
/// </summary>
internal static class ProgramArguments
{
    private static readonly string[] _verbs = ["run", "doctor"];

    /// <summary>Returns the arguments with <c>--</c> before the program, unless it is there.</summary>
    /// <param name="root">Has the verbs.</param>
    /// <param name="arguments">The command line without <c>alloctrace</c>.</param>
    public static IReadOnlyList<string> Separate(Command root, IReadOnlyList<string> arguments)
    {
        if (arguments.Count == 0 || !_verbs.Contains(arguments[0]) || root.Subcommands.FirstOrDefault(each => each.Name == arguments[0]) is not { } verb)
            return arguments;

        var mayBeValue = false; // of the option before it
        for (var i = 1; i < arguments.Count; i++)
        {
            var word = arguments[i];
            if (word == "--")
                return arguments;

            // The value of an option that need not have one cannot be distinguished from the program.
            if (mayBeValue && !word.StartsWith('-') && arguments.Skip(i).Contains("--"))
                return arguments;

            if (!word.StartsWith('-') || word is "-m" or "-c")
                return [.. arguments.Take(i), "--", .. arguments.Skip(i)];

            var option = verb.Options.FirstOrDefault(each => each.Name == word || each.Aliases.Contains(word));
            mayBeValue = option is { Arity: { MinimumNumberOfValues: 0, MaximumNumberOfValues: > 0 } } and not Option<bool>;
            if (option is { Arity.MinimumNumberOfValues: > 0 } and not Option<bool>)
                i++; // its value
        }

        return arguments;
    }
}
