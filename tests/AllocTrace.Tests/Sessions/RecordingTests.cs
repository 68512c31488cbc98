using AllocTrace.Sessions;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;

using Dapper;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Tests.Sessions;

/// <summary>
/// Runs real commands without Python. A session is made beforehand and copied to the place where a traced process would put it.
/// </summary>
[TestClass]
public sealed class RecordingTests
{
    private const int Obj = 2;

    private readonly TemporaryFolder _folder = new();

    private string Database => _folder.File("out.db");

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    [DataRow("exit 7", 7)]
    [DataRow("kill -TERM $$", 128 + 15)]
    [DataRow("kill -KILL $$", 128 + 9)]
    public void Exit_code_is_the_commands(string script, int expected) => Assert.AreEqual(expected, Run(script).ExitCode);

    [TestMethod]
    public void Command_that_runs_no_Python_leaves_no_database()
    {
        Assert.IsNull(Run("true").DatabasePath);
        Assert.IsFalse(File.Exists(Database));
    }

    [TestMethod]
    public void Session_of_an_ended_process_is_in_the_database()
    {
        BuildSession("one");
        var result = Run($"cp {_folder.File("one.alloctrace")} \"$ALLOCTRACE/\"");
        Assert.AreEqual(Database, result.DatabasePath);
        Assert.AreEqual(1, result.Processes);
        Assert.AreEqual(("killed", 5000L), Query<(string, long)>("SELECT ending, bytes FROM process JOIN live"));
    }

    [TestMethod]
    public void Damaged_session_is_told_and_kept_up_to_the_damage()
    {
        BuildSession("one", thread => thread.Append(15UL << 60));
        var result = Run($"cp {_folder.File("one.alloctrace")} \"$ALLOCTRACE/\"");
        StringAssert.Contains(result.Problems.Single(), "damaged");
        Assert.AreEqual(("session damaged", 5000L), Query<(string, long)>("SELECT reason, bytes FROM loss JOIN live"));
    }

    [TestMethod]
    public void File_that_is_no_session_is_told()
    {
        var result = Run("head -c 70000 /dev/zero | tr '\\0' x > \"$ALLOCTRACE/no.alloctrace\"");
        StringAssert.Contains(result.Problems.Single(), "not an AllocTrace session");
        Assert.IsNull(result.DatabasePath);
    }

    [TestMethod]
    public void Sessions_are_private_and_removed_at_the_end()
    {
        Run($"stat -c %a \"$ALLOCTRACE\" > {_folder.File("mode")}; echo \"$ALLOCTRACE\" > {_folder.File("folder")}");
        Assert.AreEqual("700\n", File.ReadAllText(_folder.File("mode")));
        Assert.IsFalse(Directory.Exists(File.ReadAllText(_folder.File("folder")).TrimEnd()));
    }

    [TestMethod]
    public void Library_comes_before_what_is_preloaded_already()
    {
        var preloaded = Environment.GetEnvironmentVariable("LD_PRELOAD");
        Run($"echo \"$LD_PRELOAD\" > {_folder.File("preload")}");
        var first = File.ReadAllText(_folder.File("preload")).TrimEnd().Split(':');
        Assert.AreEqual("liballoctrace.so", Path.GetFileName(first[0]));
        Assert.AreEqual(preloaded ?? "", string.Join(':', first[1..]));
    }

    [TestMethod]
    public void Options_reach_the_command()
    {
        var options = new RecordingOptions { Frames = 5, OnFull = OnFull.Drop, Children = false };
        Run($"echo \"$ALLOCTRACE_OPTIONS\" > {_folder.File("options")}", options);
        Assert.AreEqual("frames=5,children=off,on_full=drop,collector=off\n", File.ReadAllText(_folder.File("options")));
    }

    [TestMethod]
    public void Broken_pipe_is_not_ignored_in_the_command()
    {
        Run($"grep SigIgn /proc/self/status > {_folder.File("ignored")}");
        var ignored = Convert.ToUInt64(File.ReadAllText(_folder.File("ignored")).Split('\t')[1].TrimEnd(), 16);
        Assert.AreEqual(0UL, ignored & 1UL << (13 - 1), "SIGPIPE is not ignored");
    }

    [TestMethod]
    public void Unknown_command_is_127()
    {
        var exception = Assert.ThrowsExactly<CommandNotStartedException>(() => Start(["no-such-command-here"]));
        Assert.AreEqual((127, "no-such-command-here: no such command"), (exception.ExitCode, exception.Message));
    }

    [TestMethod]
    public void File_that_is_not_executable_is_126()
    {
        File.WriteAllText(_folder.File("text"), "text");
        var exception = Assert.ThrowsExactly<CommandNotStartedException>(() => Start([_folder.File("text")]));
        Assert.AreEqual(126, exception.ExitCode);
        StringAssert.Contains(exception.Message, "cannot be executed");
    }

    [TestMethod]
    public void Nothing_is_started_when_the_database_exists()
    {
        File.WriteAllText(Database, "precious");
        Assert.ThrowsExactly<IOException>(() => Start(["touch", _folder.File("started")]));
        Assert.IsFalse(File.Exists(_folder.File("started")));
        Assert.AreEqual("precious", File.ReadAllText(Database));
    }

    [TestMethod]
    public void Database_that_cannot_be_written_leaves_sessions_to_collect()
    {
        BuildSession("one");
        var target = Path.Combine(Directory.CreateDirectory(_folder.File("gone")).FullName, "out.db");
        string[] command = ["sh", "-c", $"rmdir {_folder.File("gone")}; cp {_folder.File("one.alloctrace")} \"$ALLOCTRACE/\""];
        IOException failure;
        using (var recording = Recording.Start(command, target, overwrite: false, new RecordingOptions()))
            failure = Assert.ThrowsExactly<IOException>(() => recording.Wait());

        const string advice = "alloctrace collect -o FILE.db ";
        StringAssert.Contains(failure.Message, advice);
        var folder = failure.Message[(failure.Message.IndexOf(advice, StringComparison.Ordinal) + advice.Length)..];
        using (var collection = SessionCollection.Start([folder], Database, overwrite: false, temporaryThreshold: 1))
            Assert.AreEqual(1, collection.Wait(CancellationToken.None).Processes);

        Assert.AreEqual(("killed", 5000L), Query<(string, long)>("SELECT ending, bytes FROM process JOIN live"));
        Assert.IsFalse(Directory.Exists(folder), "it was made for the recording");
    }

    [TestMethod]
    public void Arguments_are_passed_as_they_are()
    {
        using (var recording = Start(["sh", "-c", "printf '%s|' \"$0\" \"$@\" > \"$1\"", "zero", _folder.File("arguments"), "", "ü * $x", "-f"]))
            recording.Wait();

        Assert.AreEqual($"zero|{_folder.File("arguments")}||ü * $x|-f|", File.ReadAllText(_folder.File("arguments")));
    }

    private void BuildSession(string name, Action<BuiltThread>? then = null)
    {
        using var session = new SessionBuilder(_folder.File($"{name}.alloctrace"), 2 << 20);
        var thread = session.AddThread();
        thread.Malloc(Obj, 64, 5000, 0);
        then?.Invoke(thread);
    }

    private RecordingResult Run(string script, RecordingOptions? options = null)
    {
        using var recording = Start(["sh", "-c", script], options);
        return recording.Wait();
    }

    private Recording Start(string[] command, RecordingOptions? options = null) =>
        Recording.Start(command, Database, overwrite: false, options ?? new RecordingOptions());

    private T Query<T>(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Database};Mode=ReadOnly;Pooling=False");
        return connection.QuerySingle<T>(sql);
    }
}
