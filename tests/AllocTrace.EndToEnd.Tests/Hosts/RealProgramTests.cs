using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Records real programs of others: they print and return the same as untraced, and are reported.</summary>
[TestClass]
public sealed class RealProgramTests
{
    [TestMethod]
    public void Pip_lists_the_same_packages() => RunsAlike(PythonWith("pip"), "-m", "pip", "--disable-pip-version-check", "list");

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Compileall_compiles_the_same(Python python)
    {
        using var sources = new TemporaryFolder();
        var library = Path.GetDirectoryName(python.Run(["-c", "import json; print(json.__file__)"]).Succeeded().Lines[0])!;
        foreach (var file in Directory.GetFiles(library, "*.py"))
            File.Copy(file, sources.File(Path.GetFileName(file)));
        RunsAlike(python, "-m", "compileall", "-f", sources.Path);
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Parts_of_the_standard_library_pass_their_own_tests(Python python)
    {
        string[] modules = ["test_json", "test_generators", "test_weakref"];
        if (python.Run(["-c", "import test.test_json"]).ExitCode != 0)
        {
            // Debian's interpreters come without their tests; those of 3.14 and 3.15 are there in CI.
            RunsAlike(python, "-m", "timeit", "-n", "10", "-s", "import json", "json.loads(json.dumps(list(range(1000))))");
            return;
        }
        using var folder = new TemporaryFolder();
        var traced = Alloctrace.Run(["run", "-q", "-o", folder.File("t.db"), "--", python.Path, "-m", "test", .. modules]);
        if (traced.ExitCode != 0)
            Assert.AreEqual(python.Run(["-m", "test", .. modules]).ExitCode, traced.ExitCode, traced.Output + traced.Error);
        Assert.IsNotEmpty(Alloctrace.Top(folder.File("t.db")));
    }

    [TestMethod]
    public void A_leak_of_a_Flask_application_is_found()
    {
        var python = PythonWith("flask");
        using var folder = new TemporaryFolder();
        var program = Alloctrace.ProgramFile("wsgi_app.py");
        var result = Alloctrace.Run("run", "-q", "-o", folder.File("t.db"), "--", python.Path, program).Succeeded();
        Assert.AreEqual(python.Run([program]).Succeeded().Output, result.Output);
        var leak = Alloctrace.Top(folder.File("t.db"), "--filter", $"*wsgi_app.py:{LineOf(program, "bytes(4_967)")}").Single();
        Assert.AreEqual(200, leak.GetProperty("count").GetInt64());
        Assert.AreEqual(200 * 5000, leak.GetProperty("size").GetInt64());
    }

    [TestMethod]
    public void Numpy_s_buffers_are_a_domain_of_their_own()
    {
        var python = PythonWith("numpy");
        using var folder = new TemporaryFolder();
        var program = Alloctrace.ProgramFile("numpy_buffers.py");
        var result = Alloctrace.Run("run", "-q", "-o", folder.File("t.db"), "--", python.Path, program).Succeeded();
        Assert.AreEqual("5600000 True 8000\n", result.Output);
        var domains = Alloctrace.Top(folder.File("t.db"), "--group-by", "domain").ToDictionary(s => s.GetProperty("domain").GetString()!, s => s.GetProperty("size").GetInt64());
        var expected = long.Parse(python.Run(["-c", Expected, program]).Succeeded().Lines[^1]);
        Assert.AreEqual(expected, domains["numpy"]);
        var lines = Alloctrace.Top(folder.File("t.db"), "--filter", $"*numpy_buffers.py:{LineOf(program, "zeros")}");
        Assert.IsGreaterThanOrEqualTo(5_600_000, lines.Single().GetProperty("size").GetInt64());
    }

    /// <summary>The blocks in numpy's domain by tracemalloc at the end of the program (including imports).</summary>
    private const string Expected = """
        import sys, tracemalloc
        tracemalloc.start()
        namespace = {"__name__": "__main__"}
        exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"), namespace)
        snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, 389047)])
        print(sum(trace.size for trace in snapshot.traces))
        """;

    private static int LineOf(string program, string text) => Array.FindIndex(File.ReadAllLines(program), line => line.Contains(text, StringComparison.Ordinal)) + 1;

    private static void RunsAlike(Python python, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var plain = python.Run(arguments);
        var traced = Alloctrace.Run(["run", "-q", "-o", folder.File("t.db"), "--", python.Path, .. arguments]);
        Assert.AreEqual(plain.ExitCode, traced.ExitCode, traced.Output + traced.Error);
        if (!arguments.Contains("timeit"))
            Assert.AreEqual(plain.Output, traced.Output);
        Assert.IsNotEmpty(Alloctrace.Top(folder.File("t.db")));
    }

    /// <summary>Returns the first interpreter that has a module; CI installs missing ones.</summary>
    private static Python PythonWith(string module) =>
        Python.Installed.Append(DebianPython()).OfType<Python>().FirstOrDefault(python => python.Run(["-c", $"import {module}"]).ExitCode == 0)
        ?? throw new AssertInconclusiveException($"no python3 with {module} on this machine");

    /// <summary>
    /// Returns the distribution's interpreter, which has the distribution's packages even if another one of the same version comes first.
    /// </summary>
    private static Python? DebianPython() => File.Exists("/usr/bin/python3") ? new Python("/usr/bin/python3", 0, "of the distribution") : null;
}
