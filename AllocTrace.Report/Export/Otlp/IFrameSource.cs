namespace AllocTrace.Report.Export.Otlp;

/// <summary>A trie of stacks whose frames an export names. Stack 0 is the one without a Python frame.</summary>
internal interface IFrameSource
{
    /// <summary>Returns the stack of the caller; 0 for the outermost frame.</summary>
    int CallerOf(int stack);

    /// <summary>Returns the line of a stack's innermost frame; 0 when it is unknown.</summary>
    int LineOf(int stack);

    /// <summary>Returns the number of the code of a stack's innermost frame.</summary>
    int CodeOf(int stack);

    /// <summary>Returns what a code is.</summary>
    (string Filename, string Function, int FirstLine) Describe(int code);
}
