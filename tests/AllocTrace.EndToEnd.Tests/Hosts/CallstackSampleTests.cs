using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Compiles and runs the samples of samples/callstack as their first lines say.</summary>
[TestClass]
public sealed class CallstackSampleTests
{
    private static readonly string _base = AppContext.BaseDirectory;

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Signal_dumps_all_threads(Python python)
    {
        const string Program = """
            import ctypes, os, sys, threading
            assert ctypes.CDLL(sys.argv[1]).dump_on_signal(10) == 0
            ready, done = threading.Event(), threading.Event()
            def waiting():
                ready.set()
                done.wait()
            thread = threading.Thread(target=waiting)
            thread.start()
            ready.wait()
            def inner():
                os.kill(os.getpid(), 10)
            inner()
            done.set()
            """;
        using var folder = new TemporaryFolder();
        var error = python.Run(["-c", Program, Compile(folder, "on_signal.c")]).Succeeded().Error;
        StringAssert.Contains(error, "Thread 0x");
        StringAssert.Contains(error, "  File \"<string>\", line 11 in inner\n  File \"<string>\", line 12 in <module>\n");
        StringAssert.Contains(error, " in waiting\n");
    }

    [TestMethod]
    public void Allocator_hook_names_the_line_of_a_large_block()
    {
        const string Program = """
            import ctypes, sys
            assert ctypes.PyDLL(sys.argv[1]).report_blocks_above(1000000) == 0
            def large():
                return bytearray(b"x" * 2000000)
            large()
            """;
        var withHeaders = Python.Installed.Where(HasHeaders).ToArray();
        if (withHeaders.Length == 0)
            throw new AssertInconclusiveException("needs the headers of a CPython");

        foreach (var python in withHeaders)
        {
            using var folder = new TemporaryFolder();
            var error = python.Run(["-c", Program, Compile(folder, "large_blocks.c", $"-I{IncludeOf(python)}")]).Succeeded().Error;
            StringAssert.Contains(error, " bytes at <string>:4 in large, 2 frames deep\n", python.ToString());
        }
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Watchdog_says_what_holds_the_GIL(Python python)
    {
        // read() waits with the GIL held (PyDLL) until the watchdog has written its line of 65 bytes and the stacks: no Python code could tell.
        const string Program = """
            import ctypes, os, sys
            watchdog = ctypes.CDLL(sys.argv[1])
            reader, writer = os.pipe()
            os.dup2(writer, 2)
            one, read = ctypes.create_string_buffer(1), ctypes.PyDLL(None).read
            assert watchdog.watch(50) == 0
            def stuck():
                for _ in range(100): read(reader, one, 1)
            watchdog.all_is_well()
            stuck()
            text = b""
            while b"in <module>" not in text:
                text += os.read(reader, 65536)
            print(text.decode())
            """;
        using var folder = new TemporaryFolder();
        var said = python.Run(["-c", Program, Compile(folder, "watchdog.c")]).Succeeded().Output;
        StringAssert.Contains(said, "line 8 in stuck\n  File \"<string>\", line 10 in <module>\n");
    }

    /// <summary>
    /// Returns true if the headers compile here: those of another Debian release look for a part of them in /usr/include.
    /// </summary>
    private static bool HasHeaders(Python python) => Command.Run("cc", ["-fsyntax-only", "-x", "c", $"-I{IncludeOf(python)}", "-"], "#include <Python.h>\n").ExitCode == 0;

    private static string IncludeOf(Python python) => python.Run(["-S", "-c", "import sysconfig; print(sysconfig.get_paths()['include'])"]).Output.Trim();

    private static string Compile(TemporaryFolder folder, string source, params string[] more)
    {
        var library = folder.File(Path.ChangeExtension(source, ".so"));
        var native = Path.GetDirectoryName(Alloctrace.Library)!;
        Command.Run(
            "cc",
            ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-pthread", "-shared", "-fPIC", Path.Combine(_base, "samples", "callstack", source), $"-I{Path.Combine(_base, "include")}", .. more, $"-L{native}", "-lalloctrace", $"-Wl,-rpath,{native}", "-o", library])
            .Succeeded();
        return library;
    }
}
