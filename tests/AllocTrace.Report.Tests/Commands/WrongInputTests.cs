using AllocTrace.Report.Tests.Support;

namespace AllocTrace.Report.Tests.Commands;

[TestClass]
public sealed class WrongInputTests
{
    [TestMethod]
    [DataRow("", "Required command was not provided; see 'alloctrace --help'")]
    [DataRow("tpo", "unknown command 'tpo'; did you mean 'top'?")]
    [DataRow("frobnicate", "unknown command 'frobnicate'; see 'alloctrace --help'")]
    [DataRow("top", "Required argument 'FILE' missing for command: 'top'; see 'alloctrace top --help'")]
    [DataRow("top x.db --jsn", "unknown option '--jsn'; did you mean '--json'?")]
    [DataRow("top x.db y.db", "unknown argument 'y.db'; see 'alloctrace top --help'")]
    [DataRow("top x.db -n -1", "-n cannot be '-1': give a number, 0 or more; see 'alloctrace top --help'")]
    [DataRow("top x.db --json --csv", "--json and --csv exclude each other; see 'alloctrace top --help'")]
    [DataRow("top x.db --view peak --at start", "--view and --at exclude each other; see 'alloctrace top --help'")]
    [DataRow("top x.db --every-frame", "--every-frame needs --cumulative; see 'alloctrace top --help'")]
    [DataRow("top x.db --cumulative -g thread", "--cumulative needs --group-by lineno, filename or function; see 'alloctrace top --help'")]
    [DataRow("top x.db --process me", "--process cannot be 'me': it is the number of a process; see 'alloctrace top --help'")]
    [DataRow(
        "top x.db --view now", "--view cannot be 'now': it is one of live, peak, total, temporary; see 'alloctrace top --help'")]
    [DataRow("export x.db -o y --format xml", "--format cannot be 'xml': it is one of csv, collapsed, speedscope, pprof, tracemalloc, heapsnapshot, parquet; see 'alloctrace export --help'")]
    [DataRow("top x.db --at a --at b", "--at can be given once; see 'alloctrace top --help'")]
    [DataRow("top x.db --fail-above much", "--fail-above cannot be 'much': give a size, for example 200MiB or 1.5G; see 'alloctrace top --help'")]
    [DataRow("diff x.db", "one recording is compared at two snapshots: give --at twice, or a second recording; see 'alloctrace diff --help'")]
    [DataRow("diff x.db y.db --at a --at b", "two recordings are compared at one snapshot: give --at once; see 'alloctrace diff --help'")]
    [DataRow("leaks x.db --at a --at b", "give --at three times or more: two snapshots cannot tell growth from a step (see 'diff'); see 'alloctrace leaks --help'")]
    [DataRow("push x.db --to me --name n", "--to cannot be 'me': give the address of a server, for example http://localhost:4040; see 'alloctrace push --help'")]
    [DataRow("push x.db --to http://h --name n --label l", "--label cannot be 'l': give NAME=VALUE, with letters, digits, _ and . in the name, and without '}' and ',' in the value; see 'alloctrace push --help'")]
    [DataRow("push x.db --to http://h --name a#b", "--name cannot be 'a b': use letters, digits and any of _ . - /; see 'alloctrace push --help'")]
    [DataRow("push x.db --to http://h --name n --label a-b=c", "--label cannot be 'a-b=c': give NAME=VALUE, with letters, digits, _ and . in the name, and without '}' and ',' in the value; see 'alloctrace push --help'")]
    [DataRow("run --events much -- true", "--events cannot be 'much': give on, off, or the largest size of the log, 1MiB or more; see 'alloctrace run --help'")]
    [DataRow("run --events 1000 -- true", "--events cannot be '1000': give on, off, or the largest size of the log, 1MiB or more; see 'alloctrace run --help'")]
    [DataRow("run --sample 2TiB -- true", "--sample must be 1TiB or less; see 'alloctrace run --help'")]
    [DataRow("run --sample much -- true", "--sample cannot be 'much': give a size, for example 200MiB or 1.5G; see 'alloctrace run --help'")]
    [DataRow("run --sample 512KiB --objects end -- true", "--objects needs every allocation, and --sample leaves some out; see 'alloctrace run --help'")]
    [DataRow("top x.db --cumulative --types", "--cumulative and --types or --retained exclude each other; see 'alloctrace top --help'")]
    [DataRow("run --domains raw+rare -- true", "--domains must be some of raw, mem and obj, joined by +; see 'alloctrace run --help'")]
    [DataRow("run --limit 1000 -- true", "--limit must be 4194304 bytes or more; see 'alloctrace run --help'")]
    [DataRow("run --limit much -- true", "--limit cannot be 'much': give a size, for example 200MiB or 1.5G; see 'alloctrace run --help'")]
    [DataRow("run --frames many -- true", "--frames cannot be 'many': give a number, 0 or more; see 'alloctrace run --help'")]
    [DataRow("run --on-full explode -- true", "Argument 'explode' not recognized. Must be one of: 'wait' 'drop'; see 'alloctrace run --help'")]
    [DataRow("top x.db --cumulative -g lines", "--group-by cannot be 'lines': it is one of lineno, filename, traceback, function, domain, thread, process, type; see 'alloctrace top --help'")]
    [DataRow("run --temporary x -- true", "--temporary cannot be 'x': give a number, 0 or more; see 'alloctrace run --help'")]
    [DataRow("run", "Required argument 'command' missing for command: 'run'; see 'alloctrace run --help'")]
    [DataRow("attach me", "PID cannot be 'me': give a number, 0 or more; see 'alloctrace attach --help'")]
    [DataRow("attach 1 --timeout x", "--timeout cannot be 'x': give a number, 0 or more; see 'alloctrace attach --help'")]
    [DataRow("completion tcsh", "Argument 'tcsh' not recognized. Must be one of: 'bash' 'zsh' 'fish'; see 'alloctrace completion --help'")]
    [DataRow("export x.db --format csv", "Option '-o' is required; see 'alloctrace export --help'")]
    public void Wrong_usage_is_one_line_and_exit_code_2(string line, string message) =>
        CommandRun.Of([.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word.Replace('#', ' '))]).AssertFailed(2, message);

    [TestMethod]
    [DataRow("summary")]
    [DataRow("top")]
    [DataRow("tree")]
    [DataRow("leaks")]
    [DataRow("timeline")]
    [DataRow("flamegraph")]
    [DataRow("merge -o -")]
    [DataRow("export --format csv -o -")]
    public void Missing_file_is_one_line_and_exit_code_1(string line)
    {
        var missing = Path.Combine(Path.GetTempPath(), "alloctrace-no-such-file.db");
        var arguments = line.Split(' ');
        CommandRun.Of([arguments[0], missing, .. arguments[1..]]).AssertFailed(1, $"no such file: {missing}");
    }

    [TestMethod]
    [DataRow("export --events -o -", "FILE has no events. Record them with 'alloctrace run --events'")]
    [DataRow("export --view peak -o -", "csv has a column for each view: --view and --at have no meaning for it")]
    [DataRow("export --format pprof --view temporary -o -", "pprof has what was allocated and what was alive: --view live or peak, or --at")]
    [DataRow("push --to http://h --name n --periods 0", "--periods and --attempts must be 1 or more")]
    public void What_does_not_fit_the_recording_is_one_line_and_exit_code_2(string line, string message)
    {
        using var server = new LeakyServer();
        var arguments = line.Split(' ');
        CommandRun.Of([arguments[0], server.Path, .. arguments[1..]]).AssertFailed(2, message.Replace("FILE", server.Path));
    }

    [TestMethod]
    public void Binary_formats_do_not_go_to_a_terminal()
    {
        using var server = new LeakyServer();
        CommandRun.On(80, color: false, "export", server.Path, "--format", "pprof", "-o", "-")
            .AssertFailed(2, "pprof is binary and cannot be written to a terminal: give -o FILE");
    }

    [TestMethod]
    public void Folder_is_one_line_and_exit_code_1() =>
        CommandRun.Of("top", Path.GetTempPath()).AssertFailed(1, $"{Path.GetTempPath()} is a folder");

    [TestMethod]
    public void Text_file_is_one_line_and_exit_code_3()
    {
        using var server = new LeakyServer();
        File.WriteAllText(server.Path, "not a database\n");
        CommandRun.Of("summary", server.Path).AssertFailed(3, $"{server.Path}: not an AllocTrace recording");
    }

    [TestMethod]
    public void Truncated_database_is_one_line_and_exit_code_3()
    {
        using var server = new LeakyServer();
        using (var file = File.OpenWrite(server.Path))
            file.SetLength(file.Length / 3);

        CommandRun.Of("top", server.Path)
            .AssertFailed(3, $"{server.Path}: damaged: SQLite Error 11: 'database disk image is malformed'");
    }

    [TestMethod]
    public void Unknown_snapshot_and_process_are_one_line_and_exit_code_1()
    {
        using var server = new LeakyServer();
        CommandRun.Of("top", server.Path, "--at", "nope").AssertFailed(1, $"{server.Path}: no snapshot 'nope'; there is 'after login', 'after load'");
        CommandRun.Of("summary", server.Path, "--process", "1").AssertFailed(1, $"{server.Path}: no process 1; there is 4242");
    }

    [TestMethod]
    public void Existing_file_is_replaced_only_when_told_to()
    {
        using var server = new LeakyServer();
        var target = server.Path + ".csv";
        File.WriteAllText(target, "precious");
        CommandRun.Of("export", server.Path, "-o", target).AssertFailed(1, $"{target} exists: give another name, or -f to replace it");
        Assert.AreEqual("precious", File.ReadAllText(target));

        CommandRun.Of("export", server.Path, "-o", target, "-f").Succeeded();
        Assert.AreEqual(CommandRun.Of("export", server.Path, "-o", "-").Succeeded(), File.ReadAllText(target));
    }

    /// <summary>Uses names that the shell, the command line, SQL and a spreadsheet could misread.</summary>
    [TestMethod]
    [DoNotParallelize] // the current folder is the process's
    [DataRow("--x", "./--x")]
    [DataRow("a'; DROP TABLE site; --.db", "'a'\\''; DROP TABLE site; --.db'")]
    [DataRow("=1+1 $(reboot).db", "'=1+1 $(reboot).db'")]
    public void Files_may_have_any_name(string name, string word)
    {
        using var server = new LeakyServer();
        var folder = Path.GetDirectoryName(server.Path)!;
        File.Copy(server.Path, Path.Combine(folder, name));
        var before = Directory.GetCurrentDirectory();
        Directory.SetCurrentDirectory(folder);
        try
        {
            Assert.Contains($"alloctrace top {word} --view peak", CommandRun.Of("summary", "--", name).Succeeded());
            Assert.Contains("Server.login", CommandRun.Of("top", $"./{name}").Succeeded());
            Assert.Contains("ones", CommandRun.Of("diff", "--at", "peak", "--at", "live", "--", name).Succeeded());
            CommandRun.Of("export", "-o", $"./{name}.csv", "--", name).Succeeded();
            Assert.Contains("Server.login", File.ReadAllText($"./{name}.csv"));
            CommandRun.Of("merge", "-o", $"./{name}-merged", "--", name, server.Path);
            Assert.Contains("2 processes", CommandRun.Of("summary", $"./{name}-merged").Succeeded());
        }
        finally
        {
            Directory.SetCurrentDirectory(before);
        }
    }

    [TestMethod]
    public void Failed_export_leaves_nothing_behind()
    {
        using var server = new LeakyServer();
        var folder = Path.Combine(Path.GetDirectoryName(server.Path)!, "missing");
        CommandRun.Of("export", server.Path, "-o", Path.Combine(folder, "a.csv")).AssertFailed(1, $"no such folder: {folder}");
        CommandRun.Of("export", server.Path, "-o", "/dev/full").AssertFailed(1, "No space left on device : '/dev/full'");
        Assert.HasCount(2, Directory.GetFiles(Path.GetDirectoryName(server.Path)!));
    }

    [TestMethod]
    public void Error_lines_do_not_pass_escape_sequences_on() =>
        CommandRun.Of("top", "/nonexistent/\x1b[2Jx.db").AssertFailed(1, "no such file: /nonexistent/\\x1b[2Jx.db");
}
