using System.Diagnostics;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Requires that nobody gains anything from the library and the command: other users, files planted in shared folders, programs with more
/// privileges than their user, the network.
/// </summary>
[TestClass]
public sealed class SafetyTests
{
    private static readonly string _program = Alloctrace.ProgramFile("limited.py");

    private static readonly string _python = Python.Default.Path;

    [TestMethod]
    public void Session_and_its_folder_are_their_users_alone()
    {
        using var folder = new TemporaryFolder();
        const string source = """
            import glob, os, stat
            kept = bytes(1000)
            folder = os.environ["ALLOCTRACE"]
            print([oct(stat.S_IMODE(os.stat(name).st_mode)) for name in [folder] + glob.glob(folder + "/*.alloctrace")])
            """;
        var result = Alloctrace.Run("run", "-q", "-o", folder.File("t.db"), "--", "sh", "-c", "umask 0; exec \"$@\"", "sh", _python, "-c", source).Succeeded();
        Assert.AreEqual("['0o700', '0o600']\n", result.Output);
    }

    /// <summary>Plants the lock, whose name can be guessed: a link is not followed, and another user's file is refused.</summary>
    [TestMethod]
    [DataRow("ln -s \"$2\" \"$1.lock\"")]
    [DataRow("mkfifo \"$1.lock\"")]
    [DataRow("touch \"$1.lock\"; chown 12345 \"$1.lock\"; chmod 666 \"$1.lock\"")]
    public void Planted_lock_is_refused(string plant)
    {
        OtherUser.Require();
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("victim"), "precious");
        Command.Run("sh", ["-c", plant, "sh", folder.File("t.db"), folder.File("victim")]).Succeeded();
        var result = Record(folder.File("t.db"), "");
        StringAssert.StartsWith(result.Error, $"alloctrace: {folder.File("t.db.lock")} belongs to another user: sessions are left for 'alloctrace collect'\n");
        Assert.AreEqual("precious", File.ReadAllText(folder.File("victim")));
        Assert.HasCount(1, folder.Files("*.alloctrace"));
    }

    [TestMethod]
    public void Planted_error_file_is_not_written_to()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("victim"), "precious");
        File.CreateSymbolicLink(folder.File("t.db.error"), folder.File("victim"));
        File.WriteAllText(folder.File("t.db.1-0123456789abcdef.alloctrace"), new string('x', 100_000)); // something to complain about
        Record(folder.File("t.db"), "");
        AwaitCollector(folder);
        Assert.AreEqual("precious", File.ReadAllText(folder.File("victim")));
        Assert.IsNull(new FileInfo(folder.File("t.db.error")).LinkTarget);
        StringAssert.Contains(File.ReadAllText(folder.File("t.db.error")), "not an AllocTrace session");
    }

    /// <summary>
    /// Plants files of other kinds and users among the sessions, and requires that they are reported, not followed, left in place, and do
    /// not block.
    /// </summary>
    [TestMethod]
    public void Planted_sessions_are_refused()
    {
        using var folder = new TemporaryFolder();
        using var elsewhere = new TemporaryFolder();
        Record(elsewhere.Path, "collector=off");
        Record(folder.Path, "collector=off");
        var other = elsewhere.Files("*.alloctrace").Single();
        var before = File.ReadAllBytes(other);
        File.CreateSymbolicLink(folder.File("link.alloctrace"), other);
        Command.Run("ln", [other, folder.File("hard.alloctrace")]).Succeeded();
        Command.Run("mkfifo", [folder.File("pipe.alloctrace")]).Succeeded();
        Directory.CreateDirectory(folder.File("folder.alloctrace"));
        var result = Alloctrace.RunIn(folder.Path, "collect", "-q", "."); // without -o: all are looked at for a name, too
        Assert.AreEqual(1, result.ExitCode, result.Error);
        foreach (var name in (string[])["link", "hard", "pipe"])
            StringAssert.Contains(result.Error, $"{name}.alloctrace: not ");

        CollectionAssert.AreEqual(before, File.ReadAllBytes(other));
        Assert.AreEqual(1, TraceQuery.Single<long>(folder.Files("*.db").Single(), "SELECT count(*) FROM process"));
        Assert.HasCount(3, folder.Files("*.alloctrace"));
    }

    [TestMethod]
    public void Session_of_another_user_is_refused()
    {
        OtherUser.Require();
        using var folder = new TemporaryFolder();
        Record(folder.Path, "collector=off");
        var session = folder.Files("*.alloctrace").Single();
        OtherUser.Give(folder.Path);
        Command.Run("sh", ["-c", "chown 0 \"$0\" && chmod 666 \"$0\"", session]).Succeeded();
        var result = OtherUser.Run(Alloctrace.Program, "collect", "-q", "-o", folder.File("t.db"), folder.Path);
        Assert.AreEqual(1, result.ExitCode);
        StringAssert.Contains(result.Error, "not collected: it belongs to another user (uid 0)");
        CollectionAssert.AreEqual(new[] { session }, folder.Files("*"));
    }

    /// <summary>Uses names that contain characters of patterns: only the files of that very session are removed with it.</summary>
    [TestMethod]
    public void Names_are_no_patterns()
    {
        using var folder = new TemporaryFolder();
        Record(folder.Path, "collector=off");
        File.Move(folder.Files("*.alloctrace").Single(), folder.File("*.alloctrace"));
        var others = new[] { "1-0123456789abcdef.alloctrace.0123456789abcdef.journal", "notes.alloctrace.journal.txt", "my.alloctrace.journal" };
        foreach (var other in others)
            File.WriteAllText(folder.File(other), "precious");

        Alloctrace.Run("collect", "-q", "-o", folder.File("t.db"), folder.File("*.alloctrace")).Succeeded();
        CollectionAssert.AreEquivalent(others.Append("t.db").ToArray(), folder.Files("*").Select(Path.GetFileName).ToArray());
    }

    /// <summary>
    /// Runs a program with more privileges than its user: the loader does not preload the library, and the library refuses when the program
    /// loads it.
    /// </summary>
    [TestMethod]
    public void Program_with_more_rights_than_its_user_is_not_recorded()
    {
        OtherUser.Require();
        using var folder = new TemporaryFolder();
        using var sessions = new TemporaryFolder();
        OtherUser.Give(sessions.Path);
        var privileged = folder.File("python3");
        File.Copy(OtherUser.Python, privileged);
        Command.Run("sh", ["-c", "chmod 4755 \"$0\"; chmod 711 \"$1\"", privileged, folder.Path]).Succeeded();
        var environment = new Dictionary<string, string?> { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = sessions.Path, ["ALLOCTRACE_OPTIONS"] = "collector=off" };
        const string source = """
            import ctypes, os, sys
            assert os.geteuid() == 0 and os.getuid() != 0
            print("liballoctrace" in open("/proc/self/maps").read())
            library = ctypes.CDLL(sys.argv[1])
            print(library.alloctrace_start(sys.argv[2].encode(), None), library.alloctrace_start_from_env())
            """;
        var result = OtherUser.Run(environment, privileged, "-I", "-S", "-c", source, Alloctrace.Library, sessions.Path);
        if (result.Error.Contains("AssertionError", StringComparison.Ordinal))
            throw new AssertInconclusiveException("files here give no rights (nosuid)");

        Assert.AreEqual((0, "False\n-1 -1\n"), (result.ExitCode, result.Output), result.Error);
        StringAssert.Contains(result.Error, "a program with more rights than its user is not recorded");
        Assert.IsEmpty(sessions.Files("*"));
    }

    /// <summary>Requires that only push connects, and only to the given address.</summary>
    [TestMethod]
    public void Nothing_is_sent_anywhere_unless_asked()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        var environment = new Dictionary<string, string?> { ["LD_PRELOAD"] = TestLibrary.Faults, ["FAULTS"] = "connect" };
        string[][] commands =
        [
            ["run", "-o", database, "--", _python, "-S", _program, "stacks", "10"], ["summary", database], ["top", database], ["leaks", database], ["timeline", database],
            ["flamegraph", database, "-o", folder.File("t.html")], ["export", database, "--format", "csv", "-o", folder.File("t.csv")], ["doctor"],
        ];
        foreach (var command in commands)
            Assert.DoesNotContain("faults: connects", Command.Run(Alloctrace.Program, command, environment: environment).Succeeded().Error, command[0]);

        using (var program = Process.Start(new ProcessStartInfo(Alloctrace.Program, ["run", "-q", "-o", folder.File("live.db"), "--", _python, "-c", "import os; print(os.getpid(), flush=True); input()"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!)
        {
            var pid = program.StandardOutput.ReadLine()!;
            Assert.DoesNotContain("faults: connects", Command.Run(Alloctrace.Program, ["live", pid, "--once"], environment: environment).Succeeded().Error);
            program.StandardInput.WriteLine();
            program.WaitForExit();
        }

        string[] push = ["push", database, "--to", "http://127.0.0.1:1", "--name", "nobody", "--attempts", "1"];
        Assert.Contains("faults: connects", Command.Run(Alloctrace.Program, push, environment: environment).Error); // it would have been seen
    }

    private static CommandResult Record(string path, string options)
    {
        var environment = new Dictionary<string, string?> { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = path, ["ALLOCTRACE_OPTIONS"] = options };
        return Command.Run(_python, ["-S", _program, "stacks", "10"], environment: environment).Succeeded();
    }

    private static void AwaitCollector(TemporaryFolder folder)
    {
        while (File.Exists(folder.File("t.db.lock")))
            Thread.Sleep(10);
    }
}
