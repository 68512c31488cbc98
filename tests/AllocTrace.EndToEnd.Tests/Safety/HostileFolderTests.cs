using System.Diagnostics;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Lets root work with processes and folders of a user who tries to make it remove, write or wait for something else.</summary>
[TestClass]
public sealed class HostileFolderTests
{
    /// <summary>
    /// A program that becomes another user, and then tries without a pause to put files, pipes and links into the folders through which
    /// root attaches. It reports the number of successes.
    /// </summary>
    private const string Attacker = """
        import ctypes, glob, os, sys, threading
        os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
        victim, made, goes_on = sys.argv[1], 0, True
        def attempt(action, *arguments):
            global made
            try:
                action(*arguments); made += 1
            except OSError:
                pass
        def attack():
            while goes_on:
                for folder in glob.glob(sys.argv[2] + "/alloctrace-attach-*"):
                    attempt(os.mkfifo, folder + "/answer")
                    attempt(os.symlink, victim, folder + "/x")
                    attempt(os.unlink, folder + "/answer")
                    attempt(os.rename, folder, folder + "-moved")
        thread = threading.Thread(target=attack); thread.start()
        print("ready", flush=True)
        import select
        while not select.select([sys.stdin], [], [], 0)[0]:
            list(map(bytes, range(100)))
        goes_on = False; thread.join()
        print(made, flush=True)
        """;

    [TestMethod]
    public void Attach_of_root_leaves_nothing_to_the_process_s_user()
    {
        OtherUser.Require();
        var python = Python.Installed.FirstOrDefault(python => python.Minor >= 14) ?? throw new AssertInconclusiveException("no CPython from 3.14 on");
        using var folder = new TemporaryFolder();
        var (victim, temporary, database) = (folder.File("victim"), folder.File("tmp"), folder.File("out/t.db"));
        Directory.CreateDirectory(victim);
        File.WriteAllText(Path.Combine(victim, "precious"), "");
        foreach (var name in new[] { temporary, folder.File("out"), folder.Path })
        {
            Directory.CreateDirectory(name);
            File.SetUnixFileMode(name, (UnixFileMode)(name == folder.Path ? 0b111_101_101 : 0b1_111_111_111));
        }

        using var program = Start(python.Path, "-c", Attacker, victim, temporary);
        Assert.AreEqual("ready", program.StandardOutput.ReadLine());
        foreach (var arguments in new string[][] { ["attach", $"{program.Id}", "-o", database], ["detach", $"{program.Id}"] })
        {
            using var command = Start(Alloctrace.Program, arguments, new() { ["TMPDIR"] = temporary });
            var hasEnded = command.WaitForExit(TimeSpan.FromSeconds(40));
            if (!hasEnded)
                command.Kill();

            Assert.IsTrue(hasEnded, "root waits for the user");
            Assert.AreEqual((0, ""), (command.ExitCode, command.ExitCode == 0 ? "" : command.StandardError.ReadToEnd()));
        }

        program.StandardInput.WriteLine();
        Assert.AreEqual("0", program.StandardOutput.ReadLine(), "files, pipes and links in root's folder");
        program.WaitForExit();
        Assert.IsTrue(File.Exists(Path.Combine(victim, "precious")));
        Assert.IsEmpty(Directory.GetFileSystemEntries(temporary), "removed");
        Assert.IsGreaterThan(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM site"));
    }

    [TestMethod]
    public void Collect_of_root_removes_and_writes_nothing_elsewhere_when_the_folder_is_exchanged()
    {
        OtherUser.Require();
        using var folder = new TemporaryFolder();
        var (sessions, moved, victim, database) = (folder.File("sessions"), folder.File("moved"), folder.File("victim"), folder.File("t.db"));
        Directory.CreateDirectory(sessions);
        Directory.CreateDirectory(victim);
        OtherUser.Give(sessions);
        using var program = Start(OtherUser.Python, ["-c", "print('ready', flush=True); kept = [bytes(1000) for i in range(50000)]; input()"], new() { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = sessions });
        Assert.AreEqual("ready", program.StandardOutput.ReadLine());
        using var collector = Start(Alloctrace.Program, "collect", "-q", "-o", database, sessions);
        SpinWait.SpinUntil(() => Directory.GetFiles(sessions, "*.journal").Length > 0, TimeSpan.FromSeconds(30));
        var names = Directory.GetFiles(sessions).Select(Path.GetFileName).ToArray();
        Assert.HasCount(2, names, "the session and its journal");

        Directory.Move(sessions, moved);
        Directory.CreateSymbolicLink(sessions, victim);
        foreach (var name in names)
            File.WriteAllText(Path.Combine(victim, name!), "precious");

        program.StandardInput.WriteLine();
        Assert.IsTrue(collector.WaitForExit(TimeSpan.FromSeconds(60)));
        Assert.AreEqual((0, ""), (collector.ExitCode, collector.StandardError.ReadToEnd()));
        CollectionAssert.AreEquivalent(names, Directory.GetFiles(victim).Select(Path.GetFileName).ToArray(), "somebody else's files");
        Assert.IsEmpty(Directory.GetFiles(moved), "those that are in the database");
        Assert.IsGreaterThanOrEqualTo(50_000, TraceQuery.Single<long>(database, "SELECT sum(allocated_blocks) FROM site"));
    }

    [TestMethod]
    public void Run_of_root_writes_where_it_began_when_the_folder_is_exchanged()
    {
        OtherUser.Require();
        using var folder = new TemporaryFolder();
        var (output, moved, victim) = (folder.File("out"), folder.File("moved"), folder.File("victim"));
        Directory.CreateDirectory(output);
        Directory.CreateDirectory(victim);
        File.WriteAllText(Path.Combine(victim, "t.db"), "precious");
        OtherUser.Give(output);
        using var run = Start(Alloctrace.Program, "run", "-q", "-f", "-o", Path.Combine(output, "t.db"), "--", OtherUser.Python, "-c", "print('ready', flush=True); input()");
        Assert.AreEqual("ready", run.StandardOutput.ReadLine());
        Directory.Move(output, moved);
        Directory.CreateSymbolicLink(output, victim);
        run.StandardInput.WriteLine();
        Assert.IsTrue(run.WaitForExit(TimeSpan.FromSeconds(60)));
        Assert.AreEqual((0, ""), (run.ExitCode, run.StandardError.ReadToEnd()));
        Assert.AreEqual("precious", File.ReadAllText(Path.Combine(victim, "t.db")));
        Assert.IsGreaterThan(0, TraceQuery.Single<long>(Path.Combine(moved, "t.db"), "SELECT count(*) FROM site"));
    }

    /// <summary>Leaves pipes and links under the name of a session and of an unfinished database, and requires that none is opened.</summary>
    [TestMethod]
    public void Pipes_and_links_are_not_opened()
    {
        OtherUser.Require();
        using var folder = new TemporaryFolder();
        var sessions = folder.File("sessions");
        Directory.CreateDirectory(sessions);
        File.WriteAllText(folder.File("precious"), "");
        Command.Run("mkfifo", [Path.Combine(sessions, "1-0123456789abcdef.alloctrace"), folder.File("t.db.x.unfinished"), folder.File("p.db")]).Succeeded();
        File.CreateSymbolicLink(Path.Combine(sessions, "2-0123456789abcdef.alloctrace"), folder.File("precious"));
        File.CreateSymbolicLink(folder.File("t.db.y.unfinished"), folder.File("precious"));
        OtherUser.Give(sessions);

        var collected = Alloctrace.Run("collect", "-o", folder.File("t.db"), sessions);
        Assert.AreEqual(1, collected.ExitCode, collected.Error);
        Assert.HasCount(2, collected.Error.TrimEnd('\n').Split('\n'), collected.Error);
        StringAssert.Contains(collected.Error, $"{sessions}/1-0123456789abcdef.alloctrace: not a session: it is a link, a folder or a device");
        Assert.IsTrue(File.Exists(folder.File("precious")));
        var top = Alloctrace.Run("top", folder.File("p.db"));
        Assert.AreEqual((1, $"alloctrace: {folder.File("p.db")} is not a plain file\n"), (top.ExitCode, top.Error));
    }

    private static Process Start(string program, params string[] arguments) => Start(program, arguments, []);

    private static Process Start(string program, string[] arguments, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;

        return Process.Start(start)!;
    }
}
