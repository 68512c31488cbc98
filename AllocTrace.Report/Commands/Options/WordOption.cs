using System.CommandLine;

namespace AllocTrace.Report.Commands;

/// <summary>Options whose value is a word or a number, with errors that speak of words and numbers, not of types.</summary>
internal static class WordOption
{
    /// <summary>An option for a value of an enum, by its name in lower case. Without the option it is the enum's first value.</summary>
    public static Option<T> Create<T>(string name, string description, string helpName, params string[] aliases)
        where T : struct, Enum
    {
        var words = Enum.GetNames<T>().Select(word => word.ToLowerInvariant()).ToArray();
        var option = new Option<T>(name, aliases)
        {
            Description = $"{description} [default: {words[0]}]",
            HelpName = helpName,
            CustomParser = result =>
            {
                var index = Array.IndexOf(words, result.Tokens[0].Value);
                if (index < 0)
                    result.AddError($"{name} cannot be '{result.Tokens[0].Value}': it is one of {string.Join(", ", words)}");

                return index < 0 ? default : Enum.GetValues<T>()[index];
            },
        };
        option.CompletionSources.Clear(); // those of enums are not in lower case
        option.CompletionSources.Add(words);
        return option;
    }

    /// <summary>An option for a number that is not negative.</summary>
    public static Option<int> Number(string name, string description, string helpName, int defaultValue) => new(name)
    {
        Description = description,
        HelpName = helpName,
        DefaultValueFactory = _ => defaultValue,
        CustomParser = result =>
        {
            if (!int.TryParse(result.Tokens[0].Value, out var number) || number < 0)
                result.AddError($"{name} cannot be '{result.Tokens[0].Value}': give a number, 0 or more");

            return number;
        },
    };
}
