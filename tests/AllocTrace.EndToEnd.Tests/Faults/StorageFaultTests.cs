using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Tests folders that are full, read-only, removed or without a usable name: one line says so, the program continues, and everything
/// recorded can still be collected.
/// </summary>
[TestClass]
public sealed class StorageFaultTests
{
    /// <summary>
    /// Records into a file system that cannot take the database. The command must fail and leave nothing there; the sessions that it kept,
    /// collected elsewhere, become <c>t.db</c>.
    /// </summary>
    /// <param name="folder">The folder of all files.</param>
    /// <param name="mount">The options of the file system.</param>
    /// <param name="what">The action of the program: see <c>limited.py</c>.</param>
    /// <param name="with">The argument of the action.</param>
    /// <returns>The one line of the command's error output.</returns>
    private static string KeptWithoutRoom(TemporaryFolder folder, string mount, string what, string with)
    {
        const string script = """
            mount -t tmpfs $6 none "$1" || exit 99
            "$2" run -q -o "$1/t.db" -- "$3" -S "$4" "$7" "$8" 2>"$5/said"
            code=$?
            cat "$5/said"
            ls "$1"
            folder=$(sed 's/.*kept: alloctrace collect -o FILE.db //' "$5/said")
            "$2" collect -q -o "$5/t.db" "$folder" && [ ! -e "$folder" ] && exit $code
            """;
        Directory.CreateDirectory(folder.File("small"));
        var result = InNamespace(script, folder.File("small"), Alloctrace.Program, _python, _program, folder.Path, mount, what, with);
        Assert.AreEqual(1, result.ExitCode, result.Output + result.Error);
        Assert.HasCount(2, result.Lines, result.Output + ": what the program printed, one line, and nothing in the folder");
        return result.Lines[1];
    }

    private static readonly string _program = Alloctrace.ProgramFile("limited.py");

    private static readonly string _python = Python.Default.Path;

    [TestMethod]
    public void Session_on_a_full_disk()
    {
        using var folder = new TemporaryFolder();
        const string script = """
            mount -t tmpfs -o size=2m none "$1" && mkdir "$1/s" || exit 99
            LD_PRELOAD=$2 ALLOCTRACE="$1/s" ALLOCTRACE_OPTIONS=collector=off "$3" -S "$4" stacks 50000 || exit 98
            "$5" collect -q -o "$6" "$1/s"
            """;
        Directory.CreateDirectory(folder.File("small"));
        var result = InNamespace(script, folder.File("small"), Alloctrace.Library, _python, _program, Alloctrace.Program, folder.File("t.db")).Succeeded();
        Assert.AreEqual("stacks 50000\n", result.Output);
        Assert.IsGreaterThan(0, TraceQuery.Single<long>(folder.File("t.db"), "SELECT sum(events) FROM loss"));
        StringAssert.Contains(Alloctrace.Run("summary", folder.File("t.db")).Succeeded().Output, "INCOMPLETE");
    }

    [TestMethod]
    public void Shared_memory_that_is_too_small()
    {
        using var folder = new TemporaryFolder();
        foreach (var size in (string[])["64k", "2m", "17m"])
        {
            var result = InNamespace(
                $"mount -t tmpfs -o size={size} none /dev/shm && exec \"$1\" run -q -f -o \"$2\" -- \"$3\" -S \"$4\" stacks 30000",
                Alloctrace.Program, folder.File("t.db"), _python, _program);
            Assert.AreEqual((0, "stacks 30000\n", ""), (result.ExitCode, result.Output, result.Error), size);
            Assert.AreEqual(0, TraceQuery.Single<long>(folder.File("t.db"), "SELECT count(*) FROM loss"), size);
        }
    }

    /// <summary>Leaves no room for the database, and collects the kept sessions elsewhere.</summary>
    [TestMethod]
    public void Database_on_a_full_disk()
    {
        using var folder = new TemporaryFolder();
        StringAssert.Contains(KeptWithoutRoom(folder, "-o size=64k", "stacks", "20000"), "t.db cannot be written");
        AssertAll(folder.File("t.db"), 20000);
    }

    /// <summary>Limits the size of the collector's files, which acts like a full disk: no signal ends the collector.</summary>
    [TestMethod]
    public void Limit_on_the_size_of_the_collectors_files()
    {
        using var folder = new TemporaryFolder();
        Record(folder.Path, 1000);
        var environment = new Dictionary<string, string?> { ["DOTNET_EnableWriteXorExecute"] = "0" }; // the runtime itself wants a large file, unless told so
        var result = Command.Run("prlimit", ["--fsize=65536", Alloctrace.Program, "collect", "-o", folder.File("t.db"), folder.Path], environment: environment);
        Assert.AreEqual(1, result.ExitCode, result.Error);
        StringAssert.Contains(result.Error, "no session was removed");
        Assert.HasCount(1, folder.Files("*"));
        Alloctrace.Run("collect", "-q", "-o", folder.File("t.db"), folder.Path).Succeeded();
        AssertAll(folder.File("t.db"), 1000);
    }

    /// <summary>Limits the size of files, and then memory, of a program that starts a collector, which inherits the limits.</summary>
    [TestMethod]
    public void Limits_of_a_program_that_records_itself()
    {
        using var folder = new TemporaryFolder();
        Command.Run("prlimit", ["--fsize=3000000", _python, "-S", _program, "stacks", "1000"], environment: Variables(folder.File("t.db"))).Succeeded();
        HostDatabase.Await(folder.File("t.db"));
        AssertAll(folder.File("t.db"), 1000);

        var result = Command.Run("prlimit", ["--as=200000000", _python, "-S", _program, "stacks", "1000"], environment: Variables(folder.File("u.db"))).Succeeded();
        StringAssert.Contains(result.Error, $"no collector drains this recording: run 'alloctrace collect -o FILE.db {folder.Path}");
        Alloctrace.Run("collect", "-q", "-o", folder.File("u.db"), folder.File("u.db")).Succeeded();
        AssertAll(folder.File("u.db"), 1000);
    }

    [TestMethod]
    public void More_sessions_than_descriptors()
    {
        using var folder = new TemporaryFolder();
        Record(folder.Path, 10);
        var session = folder.Files("*.alloctrace").Single();
        for (var copy = 1; copy < 60; copy++)
            File.Copy(session, folder.File($"{copy}.alloctrace"));

        Command.Run("prlimit", ["--nofile=200", Alloctrace.Program, "collect", "-q", "-o", folder.File("t.db"), folder.Path]).Succeeded();
        Assert.AreEqual(60, TraceQuery.Single<long>(folder.File("t.db"), "SELECT count(*) FROM process"));
        AssertAll(folder.File("t.db"), 600);
        Assert.HasCount(1, folder.Files("*"));
    }

    [TestMethod]
    public void Sessions_folder_that_vanishes()
    {
        using var folder = new TemporaryFolder();
        var result = Alloctrace.Run("run", "-q", "-o", folder.File("t.db"), "--", _python, "-S", _program, "vanish");
        Assert.AreEqual((0, "vanish 1100\n", ""), (result.ExitCode, result.Output, result.Error));
        AssertAll(folder.File("t.db"), 1100);
    }

    [TestMethod]
    public void Databases_folder_that_vanishes()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("out"));
        var result = Alloctrace.Run("run", "-q", "-o", folder.File("out/t.db"), "--", _python, "-S", _program, "remove", folder.File("out"));
        Assert.AreEqual((1, "remove 200\n"), (result.ExitCode, result.Output), result.Error);
        Assert.HasCount(1, result.Error.TrimEnd('\n').Split('\n'), result.Error);
        var kept = result.Error.TrimEnd('\n').Split("alloctrace collect -o FILE.db ")[1];
        Alloctrace.Run("collect", "-q", "-o", folder.File("t.db"), kept).Succeeded();
        Assert.IsFalse(Directory.Exists(kept));
        AssertAll(folder.File("t.db"), 200);
    }

    [TestMethod]
    public void Databases_folder_that_becomes_read_only()
    {
        using var folder = new TemporaryFolder();
        StringAssert.Contains(KeptWithoutRoom(folder, "", "during", $"mount -o remount,ro {folder.File("small")}"), "t.db cannot be written: Read-only file system");
        AssertAll(folder.File("t.db"), 250);
    }

    /// <summary>Makes the folder read-only: processes that begin then are not recorded, and say so; the others are.</summary>
    [TestMethod]
    public void Sessions_folder_that_becomes_read_only()
    {
        OtherUser.Require();
        using var folder = new TemporaryFolder();
        OtherUser.Give(folder.Path);
        var result = OtherUser.Run(Alloctrace.Program, "run", "-q", "-o", folder.File("t.db"), "--", OtherUser.Python, "-S", _program, "during", "echo $ALLOCTRACE; chmod 500 $ALLOCTRACE");
        Directory.Delete(result.Lines[0], recursive: true); // by root
        Assert.AreEqual((0, "during 200"), (result.ExitCode, result.Lines[^1]), result.Error);
        AssertChildIsLeftOut(result.Error.TrimEnd('\n'));
        AssertAll(folder.File("t.db"), 200);
    }

    /// <summary>
    /// Makes the folder read-only and requires that the database is complete: the recording's own collector can report only to the process.
    /// </summary>
    [TestMethod]
    public void Folder_of_a_program_that_records_itself_becomes_read_only()
    {
        OtherUser.Require();
        using var folder = new TemporaryFolder();
        OtherUser.Give(folder.Path);
        var result = OtherUser.Run(Variables(folder.File("t.db")), OtherUser.Python, "-S", _program, "during", $"chmod 500 {folder.Path}");
        Assert.AreEqual((0, "during 200\n"), (result.ExitCode, result.Output), result.Error);
        var said = result.Error.TrimEnd('\n').Split('\n');
        Assert.HasCount(2, said, result.Error);
        AssertChildIsLeftOut(said[0]);
        StringAssert.StartsWith(said[1], $"alloctrace: no collector drains this recording: run 'alloctrace collect -o FILE.db {folder.File("t.db.")}");
        Alloctrace.Run("collect", "-q", "-o", folder.File("u.db"), folder.File("t.db")).Succeeded();
        AssertAll(folder.File("u.db"), 200);
    }

    [TestMethod]
    public void Folder_without_permission_is_one_line_and_the_program_runs()
    {
        OtherUser.Require();
        using var folder = new TemporaryFolder();
        using var theirs = new TemporaryFolder();
        OtherUser.Give(theirs.Path);
        var result = OtherUser.Run(Alloctrace.Program, "run", "-o", folder.File("t.db"), "--", "true");
        Assert.AreEqual(1, result.ExitCode);
        StringAssert.Contains(result.Error, "cannot be written");
        Assert.HasCount(1, result.Error.TrimEnd('\n').Split('\n'), result.Error);

        foreach (var path in (string[])[folder.Path, folder.File("t.db")])
        {
            result = OtherUser.Run(Variables(path), OtherUser.Python, "-S", _program, "stacks", "10").Succeeded();
            Assert.AreEqual("stacks 10\n", result.Output);
            StringAssert.StartsWith(result.Error, "alloctrace: nothing is recorded: ");
            StringAssert.EndsWith(result.Error, ": Permission denied\n");
        }

        Assert.IsEmpty(folder.Files("*"));
    }

    [TestMethod]
    public void Path_that_is_too_long()
    {
        using var folder = new TemporaryFolder();
        var name = folder.File(new string('n', 250));
        var result = Command.Run(_python, ["-S", _program, "stacks", "10"], environment: Variables(name)).Succeeded();
        Assert.AreEqual("stacks 10\n", result.Output);
        StringAssert.Contains(result.Error, "too long");

        result = Alloctrace.Run("run", "-o", folder.File(new string('n', 300)), "--", "true");
        Assert.AreEqual(1, result.ExitCode);
        StringAssert.Contains(result.Error, "cannot be written");
        Assert.HasCount(1, result.Error.TrimEnd('\n').Split('\n'), result.Error);
        Assert.IsEmpty(folder.Files("*"));
    }

    [TestMethod]
    public void Names_that_are_not_text()
    {
        using var folder = new TemporaryFolder();
        const string script = """
            cd "$1" && name=$(printf 'n\377ame') && cp "$2" "$name.py" || exit 99
            "$3" run -q -o t.db -- "$4" -S "$name.py" stacks 10 || exit 98
            "$3" run -o "$name.db" -- "$4" -S "$name.py" stacks 10 2>said && exit 97
            LD_PRELOAD=$5 ALLOCTRACE="$name.db" "$4" -S "$name.py" stacks 10 2>>said
            rm "$name"* # the framework could not
            """;
        var result = Command.Run("bash", ["-c", script, "bash", folder.Path, _program, Alloctrace.Program, _python, Alloctrace.Library]).Succeeded();
        Assert.AreEqual("stacks 10\nstacks 10\n", result.Output);
        AssertAll(folder.File("t.db"), 10);
        var said = File.ReadAllLines(folder.File("said"));
        Assert.HasCount(3, said); // the last one again says that nobody collects
        StringAssert.Contains(said[0], "its name is not UTF-8");
        StringAssert.Contains(said[1], "the name of the database is not UTF-8: sessions are left");
    }

    /// <summary>Requires that only the command ignores SIGXFSZ: its program gets the signal as it would alone.</summary>
    [TestMethod]
    [DataRow("", false)]
    [DataRow("trap '' XFSZ;", true)]
    public void Program_has_its_signals(string before, bool isIgnored)
    {
        using var folder = new TemporaryFolder();
        var result = Command.Run("sh", ["-c", $"{before} \"$0\" run -q -o \"$1\" -- grep SigIgn /proc/self/status 2>/dev/null", Alloctrace.Program, folder.File("t.db")]);
        var ignored = Convert.ToUInt64(result.Output.Split('\t')[1].Trim(), 16);
        Assert.AreEqual(isIgnored, (ignored >> 24 & 1) == 1);
    }

    private static Dictionary<string, string?> Variables(string path, string options = "") => new() { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = path, ["ALLOCTRACE_OPTIONS"] = options };

    private static void Record(string path, int stacks) =>
        Command.Run(_python, ["-S", _program, "stacks", $"{stacks}"], environment: Variables(path, "collector=off")).Succeeded();

    private static void AssertChildIsLeftOut(string said)
    {
        StringAssert.StartsWith(said, "alloctrace: nothing is recorded: ");
        StringAssert.EndsWith(said, ": Permission denied");
    }

    /// <summary>Runs a shell script in a mount namespace of its own.</summary>
    private static CommandResult InNamespace(string script, params string[] arguments)
    {
        if (Command.Run("unshare", ["-m", "sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]).ExitCode != 0)
            throw new AssertInconclusiveException("this needs the right to mount");

        return Command.Run("unshare", ["-m", "sh", "-c", script, "sh", .. arguments]);
    }

    /// <summary>Requires that each stack's block of 133 bytes is in the database.</summary>
    private static void AssertAll(string database, int stacks)
    {
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT sum(unknown_frees) FROM process"));
        Assert.AreEqual(stacks, TraceQuery.Single<long>(
            database, "SELECT sum(allocated_blocks) FROM site_frame WHERE function = 'descend' AND allocated_bytes / allocated_blocks = 133"));
    }
}
