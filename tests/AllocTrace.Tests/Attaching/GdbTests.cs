using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

using AllocTrace.Attaching;

namespace AllocTrace.Tests.Attaching;

/// <summary>Tests the dialogue with gdb, whose part a shell plays.</summary>
[TestClass]
public sealed class GdbTests
{
    // Commands are the shell's; gdb's echo prints what follows with \n for the end of a line, as printf does.
    private const string Shell = """
        while read -r line; do
            case "$line" in
                "echo "*) printf "${line#echo }" ;;
                *) eval "$line" ;;
            esac
        done
        """;

    [TestMethod]
    public void Each_group_of_commands_gets_what_was_printed_meanwhile()
    {
        using var gdb = new Gdb("/bin/sh", "-c", Shell);
        Assert.AreEqual("one\ntwo\n", gdb.Do("printf 'one\\n'", "printf 'two\\n'"));
        var second = gdb.Begin("printf 'three\\n'");
        Assert.AreEqual("three\n", second.GetAwaiter().GetResult());
        Assert.AreEqual("", gdb.Do());
        Assert.IsTrue(gdb.IsAlive);
    }

    [TestMethod]
    public void Text_before_the_end_of_a_group_may_lack_a_line_end()
    {
        using var gdb = new Gdb("/bin/sh", "-c", Shell);
        Assert.AreEqual("", gdb.Do("printf 'no line end'"), "it shares its line with the end of the group");
        Assert.AreEqual("next\n", gdb.Do("printf 'next\\n'"));
    }

    [TestMethod]
    public void A_gdb_that_ends_ends_the_group()
    {
        using var gdb = new Gdb("/bin/sh", "-c", Shell);
        Assert.AreEqual("first\n", gdb.Do("printf 'first\\n'", "printf 'ptrace: no\\n' >&2", "exit 1"));
        Assert.AreEqual("", gdb.Do("printf 'nobody reads this\\n'"));
        for (var i = 0; i < 500 && (gdb.LastError == "" || gdb.IsAlive); i++)
            Thread.Sleep(10); // errors are read by a thread, and a process ends after its pipes do

        Assert.AreEqual("ptrace: no", gdb.LastError);
        Assert.IsFalse(gdb.IsAlive);
    }

    [TestMethod]
    public void The_end_of_the_dialogue_ends_gdb()
    {
        var gdb = new Gdb("/bin/sh", "-c", Shell);
        var pid = (int)gdb.Pid;
        gdb.Do("printf 'x\\n'");
        gdb.Dispose();
        Assert.IsFalse(Directory.Exists($"/proc/{pid}"));
    }

    [TestMethod]
    [DataRow("/tmp/a.db")]
    [DataRow("/tmp/\"; shell rm -rf ~; echo \"\n$(x) {é}.db")]
    public void Names_are_numbers_in_the_commands_for_gdb(string path)
    {
        string[] script = [.. GdbCall.Script(new CLibrary(Open: 1, Look: 2, Malloc: 3, Free: 4), new RemoteCall("/opt/lib\"x.so", path, "frames=1"))];
        var texts = script.Select(line => Regex.Match(line, @"= \{(.*)\}$")).Where(match => match.Success)
            .Select(match => Encoding.UTF8.GetString([.. Regex.Matches(match.Groups[1].Value, @"\(unsigned char\)(\d+)").Select(value => byte.Parse(value.Groups[1].Value, CultureInfo.InvariantCulture))]))
            .ToArray();
        CollectionAssert.AreEqual(new[] { "/opt/lib\"x.so\0", "alloctrace_get_status\0", "alloctrace_start\0", path + "\0", "frames=1\0" }, texts);
        foreach (var line in script)
            Assert.IsTrue(line.All(character => char.IsAscii(character) && !char.IsControl(character)), line);

        Assert.AreEqual("detach", script[^1]);
    }

    [TestMethod]
    [DataRow("Breakpoint 1\nalloctrace-answer -2\nDetaching", -2)]
    [DataRow("alloctrace-answer 0", 0)]
    [DataRow("The program being debugged was signaled", null)]
    public void The_answer_of_gdb_is_the_result_of_the_call(string output, int? result) => Assert.AreEqual(result, GdbCall.Result(output));
}
