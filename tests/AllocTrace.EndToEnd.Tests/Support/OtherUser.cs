using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Runs commands as a user without privileges, for tests that run as root.</summary>
internal static class OtherUser
{
    public const int Id = 65534;

    /// <summary>The words to put before a command.</summary>
    public static string[] Prefix => ["setpriv", $"--reuid={Id}", $"--regid={Id}", "--clear-groups", "--inh-caps=-all"];

    /// <summary>The CPython that such a user may execute.</summary>
    public static string Python { get; } = "/usr/bin/python3";

    /// <summary>Ends the test as inconclusive if there can be no other user.</summary>
    public static void Require()
    {
        if (Environment.UserName != "root" || !File.Exists(Python) || !File.Exists("/usr/bin/setpriv"))
            throw new AssertInconclusiveException("this needs root, setpriv and a python3 of the system");

        if (Run("test", "-x", Alloctrace.Program).ExitCode != 0)
            throw new AssertInconclusiveException("other users may not look into the folder of these tests");
    }

    public static CommandResult Run(params string[] command) => Run([], command);

    public static CommandResult Run(Dictionary<string, string?> environment, params string[] command) =>
        Command.Run(Prefix[0], [.. Prefix[1..], .. command], folder: "/", environment: environment);

    /// <summary>Gives a folder and its content to that user.</summary>
    public static void Give(string path) => Command.Run("chown", ["-R", $"{Id}:{Id}", path]).Succeeded();
}
