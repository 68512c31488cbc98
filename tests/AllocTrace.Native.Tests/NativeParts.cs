using AllocTrace.Testing;

namespace AllocTrace.Native.Tests;

/// <summary>Runs the program that has the library's parts and their tests in C (parts/).</summary>
internal static class NativeParts
{
    private static readonly string _program = Path.Combine(AppContext.BaseDirectory, "native-parts");

    public static CommandResult Run(params string[] arguments) => Command.Run(_program, arguments);

    public static CommandResult RunWithInput(string input, params string[] arguments) => Command.Run(_program, arguments, input);
}
