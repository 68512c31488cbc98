using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;

namespace AllocTrace.Report;

/// <summary>Explains in one line why a command line cannot be understood.</summary>
internal static partial class UsageError
{
    /// <summary>The parser's result.</summary>
    /// <exception cref="UsageException">A check of a value was given none: the parser throws then, instead of telling what it knows.</exception>
    public static ParseResult Parse(Command root, IReadOnlyList<string> arguments)
    {
        try
        {
            return root.Parse(arguments);
        }
        catch (InvalidOperationException e)
        {
            var command = root.Subcommands.FirstOrDefault(each => each.Name == arguments[0]);
            throw new UsageException($"{Sentence(e.Message)}; {Help(command)}");
        }
    }

    public static string Describe(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var help = Help(command);
        if (parsed.UnmatchedTokens is [var word, ..])
        {
            var kind = word.StartsWith('-') ? "option" : command is RootCommand ? "command" : "argument";
            var names = command.Subcommands.Select(sub => sub.Name).Concat(command.Options.Select(option => option.Name));
            var suggestion = names.OrderBy(name => Distance(word, name)).FirstOrDefault(name => Distance(word, name) <= 2);
            return $"unknown {kind} '{word}'; {(suggestion is null ? help : $"did you mean '{suggestion}'?")}";
        }

        return $"{Sentence(parsed.Errors[0].Message, (parsed.Errors[0].SymbolResult as ArgumentResult)?.Argument.Name)}; {help}";
    }

    private static string Help(Command? command) => $"see 'alloctrace {(command is null or RootCommand ? "" : command.Name + " ")}--help'";

    private static string Sentence(string message, string? name = null)
    {
        // Values without a parser of their own are numbers, for which the library's message names a .NET type.
        if (WrongType().Match(message) is { Success: true } wrong)
            return $"{name ?? wrong.Groups[2].Value} cannot be '{wrong.Groups[1].Value}': give a number, 0 or more";

        return string.Join(' ', message.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.');
    }

    [GeneratedRegex("^Cannot parse argument '(.*)' for .* '(.*)' as expected type")]
    private static partial Regex WrongType();

    /// <summary>Counts the characters to insert, remove or replace between two words (Levenshtein).</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 0; i < a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i + 1;
            for (var j = 0; j < b.Length; j++)
            {
                var replaced = diagonal + (a[i] == b[j] ? 0 : 1);
                diagonal = row[j + 1];
                row[j + 1] = Math.Min(replaced, Math.Min(row[j], row[j + 1]) + 1);
            }
        }

        return row[^1];
    }
}
