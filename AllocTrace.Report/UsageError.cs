using System.CommandLine;

namespace AllocTrace.Report;

/// <summary>Explains in one line why a command line cannot be understood.</summary>
internal static class UsageError
{
    public static string Describe(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var help = $"see 'alloctrace {(command is RootCommand ? "" : command.Name + " ")}--help'";
        if (parsed.UnmatchedTokens is [var word, ..])
        {
            var kind = word.StartsWith('-') ? "option" : command is RootCommand ? "command" : "argument";
            var names = command.Subcommands.Select(sub => sub.Name).Concat(command.Options.Select(option => option.Name));
            var suggestion = names.OrderBy(name => Distance(word, name)).FirstOrDefault(name => Distance(word, name) <= 2);
            return $"unknown {kind} '{word}'; {(suggestion is null ? help : $"did you mean '{suggestion}'?")}";
        }

        var message = string.Join(' ', parsed.Errors[0].Message.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries));
        return $"{message.TrimEnd('.')}; {help}";
    }

    /// <summary>Counts the characters to insert, remove or replace that make one word of another (Levenshtein).</summary>
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
