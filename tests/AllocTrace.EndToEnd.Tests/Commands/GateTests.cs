using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Tests <c>run --fail-above</c> with programs that cannot be recorded: the gate fails, because it measured nothing.</summary>
[TestClass]
public sealed class GateTests
{
    [TestMethod]
    public void Gate_of_a_program_that_was_not_recorded_fails()
    {
        using var folder = new TemporaryFolder();
        foreach (var command in new string[][] { ["env", "-i", Python.Default.Path, "-c", ""], ["true"] })
        {
            var result = Alloctrace.Run(["run", "-q", "--fail-above", "1GiB", "-o", folder.File("t.db"), "--", .. command]);
            Assert.AreEqual(5, result.ExitCode, result.Error);
            Assert.AreEqual($"alloctrace: --fail-above cannot be checked: nothing was recorded of {command[0]}", result.Error.TrimEnd().Split('\n')[^1]);
        }

        Assert.AreEqual(0, Alloctrace.Run("run", "-q", "--fail-above", "1GiB", "-o", folder.File("u.db"), "--", Python.Default.Path, "-c", "").ExitCode);
        Assert.AreEqual(7, Alloctrace.Run("run", "-q", "--fail-above", "1GiB", "-o", folder.File("v.db"), "--", "sh", "-c", "exit 7").ExitCode, "the program's own");
    }
}
