using System.CommandLine;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace completion</c>: what a shell needs to complete command lines. The suggestions themselves are System.CommandLine's.</summary>
internal static class CompletionCommand
{
    private static readonly string[] _shells = ["bash", "zsh", "fish"];

    public static Command Create(Output output)
    {
        var shell = new Argument<string>("SHELL") { Description = "The shell: bash, zsh or fish." };
        shell.AcceptOnlyFromAmong(_shells);
        var command = new Verb(
            "completion",
            "Prints a script that completes alloctrace's commands and options in a shell.",
            "source <(alloctrace completion bash)         # now; or in ~/.bashrc",
            "source <(alloctrace completion zsh)          # or in ~/.zshrc, after compinit",
            "alloctrace completion fish | source          # or in ~/.config/fish/config.fish")
        {
            shell,
        };
        command.SetAction(parsed =>
        {
            using var stream = typeof(CompletionCommand).Assembly.GetManifestResourceStream($"alloctrace.{parsed.GetRequiredValue(shell)}")!;
            using var reader = new StreamReader(stream);
            output.Out.Write(reader.ReadToEnd());
            return ExitCode.Done;
        });
        return command;
    }
}
