using AllocTrace.Attaching;
using AllocTrace.Platform;
using AllocTrace.Testing;

namespace AllocTrace.Tests.Attaching;

/// <summary>Runs the script that a CPython runs for <c>attach</c> with the CPython of this machine.</summary>
[TestClass]
public sealed class RemoteScriptTests
{
    private readonly TemporaryFolder _folder = new();

    private string Answer => _folder.File("the \"answer\"");

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    public void An_error_is_the_answer_in_one_line()
    {
        File.WriteAllText(Answer, "");
        Run(new RemoteCall(_folder.File("no 'such'\nlibrary.so"), "/tmp/a.db"));
        var answer = File.ReadAllText(Answer);
        StringAssert.StartsWith(answer, "OSError(");
        Assert.AreEqual(answer.Length - 1, answer.IndexOf('\n', StringComparison.Ordinal));
    }

    [TestMethod]
    public void The_script_does_nothing_when_the_request_was_withdrawn()
    {
        File.WriteAllText(Answer, "");
        using (var file = File.OpenHandle(Answer, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            Assert.AreNotEqual(false, LibC.TryLockByte(file, 0));
            Run(new RemoteCall("/nonexistent.so", "/tmp/a.db"));
        }

        Assert.AreEqual("", File.ReadAllText(Answer));
    }

    [TestMethod]
    public void The_script_does_nothing_when_nobody_waits_for_the_answer()
    {
        Run(new RemoteCall("/nonexistent.so", null));
        Assert.IsFalse(File.Exists(Answer));
    }

    private void Run(RemoteCall call)
    {
        var script = _folder.File("attach.py");
        File.WriteAllText(script, RemoteScript.Text(call, Answer));
        var result = Python.Default.Run(["-S", script]).Succeeded();
        Assert.AreEqual("", result.Output + result.Error);
    }
}
