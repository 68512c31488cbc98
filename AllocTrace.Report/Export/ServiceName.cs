using AllocTrace.Storage;

namespace AllocTrace.Report.Export;

/// <summary>Determines the name of a process's service if none is given.</summary>
internal static class ServiceName
{
    /// <summary>Returns the name of the program: of the script or module that a Python runs, or of the program itself.</summary>
    public static string Of(TraceProcess process) => Of(Words(process.Command), process.Executable);

    /// <summary>Returns the service name of a command line.</summary>
    /// <param name="arguments">The arguments, the program's name first.</param>
    /// <param name="executable">The program file, for a process without arguments.</param>
    public static string Of(IReadOnlyList<string> arguments, string executable)
    {
        var program = Path.GetFileName(arguments.FirstOrDefault() is { Length: > 0 } first ? first : executable);
        if (!program.StartsWith("python", StringComparison.Ordinal))
            return program == "" ? "unknown" : program;

        for (var i = 1; i < arguments.Count; i++)
        {
            if (arguments[i] == "-m" && i + 1 < arguments.Count)
                return arguments[i + 1];
            if (arguments[i] == "-c")
                return program;
            if (!arguments[i].StartsWith('-') && Path.GetFileNameWithoutExtension(arguments[i]) is { Length: > 0 } script)
                return script;
        }

        return program;
    }

    /// <summary>Takes a command line apart that is quoted as a shell needs it.</summary>
    private static List<string> Words(string command)
    {
        var words = new List<string>();
        var word = new System.Text.StringBuilder();
        var isQuoted = false;
        foreach (var c in command)
        {
            if (c == '\'')
                isQuoted = !isQuoted;
            else if (c == ' ' && !isQuoted)
                EndWord();
            else
                word.Append(c);
        }

        EndWord();
        return words;

        void EndWord()
        {
            words.Add(word.ToString());
            word.Clear();
        }
    }
}
