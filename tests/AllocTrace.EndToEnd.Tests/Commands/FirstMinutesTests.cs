using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Tests the commands that a newcomer types in the first five minutes.</summary>
[TestClass]
public sealed class FirstMinutesTests
{
    [TestMethod]
    public void Scripts_and_modules_are_run_with_python_and_options_after_them_are_theirs()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("show.py"), "import sys; print(sys.argv[1:])");
        var script = Alloctrace.RunIn(folder.Path, "run", "-o", "a.db", "show.py", "-o", "b.db", "--frames", "2").Succeeded();
        Assert.AreEqual("['-o', 'b.db', '--frames', '2']\n", script.Output);
        StringAssert.Contains(script.Error, "alloctrace: show.py runs with /");
        Assert.IsTrue(File.Exists(folder.File("a.db")));
        Assert.IsFalse(File.Exists(folder.File("b.db")));
        StringAssert.Contains(Alloctrace.RunIn(folder.Path, "run", "-q", "-f", "-o", "a.db", "-m", "timeit", "-h").Succeeded().Output, "Tool for measuring execution time");
    }

    [TestMethod]
    public void Python_of_the_virtual_environment_comes_first()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("bin"));
        File.CreateSymbolicLink(folder.File("bin/python3"), Python.Default.Path);
        File.WriteAllText(folder.File("show.py"), "");
        var run = Command.Run(Alloctrace.Program, ["run", "-o", "a.db", "show.py"], folder: folder.Path, environment: new() { ["VIRTUAL_ENV"] = folder.Path }).Succeeded();
        StringAssert.Contains(run.Error, $"show.py runs with {folder.File("bin/python3")}");
    }

    [TestMethod]
    public void Failed_and_killed_programs_are_named_in_the_first_line()
    {
        using var folder = new TemporaryFolder();
        var failed = Alloctrace.Run("run", "-o", folder.File("a.db"), "--", Python.Default.Path, "-S", "-c", "raise SystemExit(3)");
        Assert.AreEqual(3, failed.ExitCode);
        StringAssert.Contains(failed.Error, "\nThe program failed with exit code 3\nProcess ");
        var killed = Alloctrace.Run("run", "-o", folder.File("b.db"), "--", Python.Default.Path, "-S", "-c", "import os; os.kill(os.getpid(), 9)");
        StringAssert.Contains(killed.Error, "\nThe program was killed by signal 9 (process ");
        StringAssert.Contains(Alloctrace.Run("top", folder.File("b.db")).Succeeded().Lines[0], " was killed)");
    }

    [TestMethod]
    public void Mistakes_say_what_to_do()
    {
        using var folder = new TemporaryFolder();
        var doctor = Alloctrace.Run("doctor", "--", "nosuch");
        Assert.AreEqual((127, "alloctrace: nosuch: no such command\n"), (doctor.ExitCode, doctor.Error));
        StringAssert.Contains(Alloctrace.RunIn(folder.Path, "top", "4711").Error, "process 4711 is not being recorded: 'alloctrace attach 4711 -o FILE.db' records it");
        var pattern = Alloctrace.Run("run", "-o", "/proc/%p.db", "--", "true").Error;
        Assert.AreEqual("alloctrace: /proc/PID.db cannot be written: no files can be created in its folder\n", pattern);
        var database = Alloctrace.Record(folder, Python.Default.Path, "-S", "-c", "pass");
        StringAssert.Contains(Alloctrace.Run("top", database, "--filter", "nothing.py").Succeeded().Output, "nothing matches --filter nothing.py");
    }
}
