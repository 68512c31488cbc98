using System.CommandLine;

namespace AllocTrace.Report.Commands;

/// <summary>A command whose help ends with examples to copy.</summary>
internal class Verb(string name, string description, params IReadOnlyList<string> examples) : Command(name, description), IExamples
{
    public IReadOnlyList<string> Examples => examples;
}
