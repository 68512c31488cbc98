namespace AllocTrace.Report.Commands;

/// <summary>Has examples for its help.</summary>
internal interface IExamples
{
    /// <summary>Command lines with an explanation behind <c>#</c>.</summary>
    IReadOnlyList<string> Examples { get; }
}
