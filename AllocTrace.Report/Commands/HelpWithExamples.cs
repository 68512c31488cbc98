using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace AllocTrace.Report.Commands;

/// <summary>Prints the usual help under the command's own name, then the command's examples.</summary>
internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    private const string Name = "alloctrace";

    public override bool ClearsParseErrors => help.ClearsParseErrors;

    public override int Invoke(ParseResult parseResult)
    {
        var configuration = parseResult.InvocationConfiguration;
        var output = configuration.Output;
        using var text = new StringWriter();
        configuration.Output = text;
        var code = help.Invoke(parseResult);
        configuration.Output = output;

        // System.CommandLine shows the name of the executable, which is that of the assembly under 'dotnet run' and in tests.
        output.Write(text.ToString().Replace($"  {RootCommand.ExecutableName} ", $"  {Name} "));
        if (parseResult.CommandResult.Command is IExamples { Examples.Count: > 0 } command)
        {
            output.WriteLine("Examples:");
            foreach (var example in command.Examples)
                output.WriteLine($"  {example}");
        }

        return code;
    }
}
