using System.Reflection;
using AllocTrace.Analysis;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Testing;

namespace AllocTrace.Report.Tests.Browser;

/// <summary>Tests pages in a real Chromium, used by scripts as a person would. Needs Node, "npm ci" in this folder, and Chromium.</summary>
[TestClass]
public sealed class BrowserTests
{
    private static readonly string _folder = typeof(BrowserTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "BrowserFolder").Value!;

    [TestMethod]
    public void Page_of_a_recording()
    {
        using var server = new LeakyServer();
        Use("leaky", Page(server.Path));
    }

    [TestMethod]
    public void Range_of_time_redraws_the_graph()
    {
        using var server = new GrowingServer();
        Use("range", Page(server.Path));
    }

    [TestMethod]
    public void Two_recordings_are_coloured_by_growth()
    {
        using GrowingServer old = new(leak: 10_000), current = new(leak: 25_000);
        Use("diff", Page(old.Path, current.Path));
    }

    [TestMethod]
    public void Imports_and_frameworks_are_hidden()
    {
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process(), "python3");
        Frame module = new("/srv/app.py", 3, "<module>"), view = new("/srv/app.py", 9, "view"), plugin = new("/srv/plugin.py", 1, "<module>");
        Frame run = new("/usr/lib/python3/dist-packages/flask/app.py", 5, "run"), other = run with { LineNumber = 6 };
        Frame dumps = new("/usr/lib/python3.11/json/__init__.py", 2, "dumps"), import = new("<frozen importlib._bootstrap>", 7, "_find_and_load");
        Add(100, module);
        Add(700, module, other);
        Add(500, module, run, view, dumps);
        Add(100, module, run, view);
        Add(300, module, run, view, other);
        Add(400, module, import);
        Add(800, module, import, new Frame("/venv/lib/python3.11/site-packages/six.py", 1, "six"));
        Add(200, dumps);
        trace.Save();
        Use("framework", Page(trace.Path));

        void Add(long bytes, params Frame[] frames) =>
            trace.Site(thread, "obj", trace.Stack(frames), allocated: new(bytes, 1), peak: new(bytes, 1), live: new(bytes, 1));
    }

    /// <summary>Runs the tests of the page's computations, without a browser: Web/page/test.</summary>
    [TestMethod]
    public void Parts_of_the_page()
    {
        if (!ToolPath.Exists("node"))
            throw new AssertInconclusiveException("needs Node");

        var page = Path.GetFullPath("../../../AllocTrace.Report/Web/page", _folder);
        var tests = Directory.GetFiles(Path.Combine(page, "test"), "*.test.js");
        Assert.AreNotEqual(0, tests.Length);
        Command.Run("node", ["--test", .. tests], folder: page).Succeeded();
    }

    [TestMethod]
    public void Names_are_nothing_but_names()
    {
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process(command: "python3 '--x' \"</script><b>\""), "</option><script>alert(1)</script>");
        Frame[] frames =
        [
            new("--x", 1, "<script>document.title='hacked'</script>"), new("\"><img src=x onerror=alert(1)>", 2, "</script><img src=x onerror=alert(1)>"),
            new("=cmd()", 3, "__proto__"), new("constructor", 4, "\u2028${alert(1)}"),
        ];
        for (var i = 1; i <= frames.Length; i++)
            trace.Site(thread, "obj", trace.Stack(frames[..i]), new(100, 1), peak: new(100, 1), live: new(100, 1));

        trace.Named(1, "<script>alert(2)</script>", 1, new(10, 1));
        trace.Loss(1, "<img src=x onerror=alert(3)>", 1, 1, 2);
        trace.Save();
        Use("hostile", Page(trace.Path));
    }

    [TestMethod]
    public void Speedscope_imports_every_view()
    {
        using var server = new LeakyServer();
        var file = server.Path + ".speedscope.json";
        CommandRun.Of("export", server.Path, "--format", "speedscope", "-o", file).Succeeded();
        var shown = Node("speedscope.mjs", file);
        Assert.Contains("trace.db - speedscope", shown);
        Assert.Contains("1 live 9.64 MB 2 peak 17.26 MB 3 total 22.42 MB 4 temporary 5.05 MB", shown);
    }

    private static string Page(params string[] paths)
    {
        var page = Path.ChangeExtension(paths[^1], ".html");
        Assert.AreEqual(0, CommandRun.Of(["flamegraph", .. paths, "-o", page]).ExitCode);
        return page;
    }

    private static void Use(string name, string page) => Assert.AreEqual("ok", Node("page.mjs", name, page).TrimEnd().Split('\n')[^1]);

    private static string Node(string script, params string[] arguments)
    {
        if (!ToolPath.Exists("node") || !ToolPath.Exists("chromium") || !Directory.Exists(Path.Combine(_folder, "node_modules")))
            throw new AssertInconclusiveException("needs Chromium, Node, and 'npm ci' in tests/AllocTrace.Report.Tests/Browser");

        return Command.Run("node", [Path.Combine(_folder, script), .. arguments], folder: _folder).Succeeded().Output;
    }
}
