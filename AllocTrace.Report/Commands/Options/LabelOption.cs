using System.CommandLine;

namespace AllocTrace.Report.Commands;

/// <summary><c>--label NAME=VALUE</c>: the label that distinguishes a series at a server from others.</summary>
internal static class LabelOption
{
    public static Option<string[]> Create()
    {
        var labels = new Option<string[]>("--label") { Description = "A label, as NAME=VALUE. Can be repeated.", HelpName = "LABEL" };
        labels.Validators.Add(result =>
        {
            foreach (var label in result.GetValueOrDefault<string[]>() ?? [])
            {
                if (label.IndexOf('=') is var end && (end < 1 || !label[..end].All(IsOfName) || label.AsSpan(end).ContainsAny("},")))
                    result.AddError($"--label cannot be '{label}': give NAME=VALUE, with letters, digits, _ and . in the name, and without '}}' and ',' in the value");
            }
        });
        return labels;
    }

    /// <summary>Returns the labels by name. Of a name given twice, the last value counts.</summary>
    public static Dictionary<string, string> Pairs(IEnumerable<string> labels) =>
        labels.Select(label => label.Split('=', 2)).GroupBy(pair => pair[0]).ToDictionary(pairs => pairs.Key, pairs => pairs.Last()[1]);

    /// <summary>Returns whether a name may have a character: the server's rule (pkg/og/flameql/flameql.go), which otherwise refuses each profile.</summary>
    public static bool IsOfName(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '.';
}
