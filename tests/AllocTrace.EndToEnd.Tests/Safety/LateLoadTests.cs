using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Starts recordings while other threads load and unload libraries: import tables of an image that the loader is relocating, and functions
/// of such a CPython, must not be touched. ALLOCTRACE_LATE_STARTS is the number of starts, instead of 300 in a C host and 10 .NET hosts.
/// </summary>
[TestClass]
public sealed class LateLoadTests
{
    private static readonly int? _starts = int.TryParse(Environment.GetEnvironmentVariable("ALLOCTRACE_LATE_STARTS"), out var starts) ? starts : null;

    [TestMethod]
    public void Recording_starts_and_stops_while_another_thread_loads_and_unloads_a_CPython()
    {
        var library = LibPython.Installed.FirstOrDefault(library => library.Launcher.Length == 0) ?? throw new AssertInconclusiveException("no CPython that is built as a library");
        using var folder = new TemporaryFolder();
        var program = folder.File("host");
        Command.Run("cc", ["-O1", "-w", "-pthread", Path.Combine(AppContext.BaseDirectory, "hosts", "late_start.c"), "-ldl", "-o", program]).Succeeded();
        foreach (var libraries in (string[][])[[library.Path], ["libcrypto.so.3", library.Path]])
        {
            if (Command.Run(program, [Alloctrace.Library, folder.Path, "0", .. libraries]).ExitCode != 0)
                continue; // no such library here
            var result = Command.Run(program, [Alloctrace.Library, folder.Path, $"{_starts ?? 150}", .. libraries]).Succeeded();
            Assert.AreEqual("", result.Error);
        }
    }

    /// <summary>Starts while the runtime's own threads load its libraries.</summary>
    [TestMethod]
    public void Recording_starts_while_Dotnet_does()
    {
        var library = LibPython.Installed.FirstOrDefault(library => library.Launcher.Length == 0) ?? throw new AssertInconclusiveException("no CPython that is built as a library");
        using var folder = new TemporaryFolder();
        var (host, hook) = (Path.Combine(AppContext.BaseDirectory, "DotNetHost.dll"), Path.Combine(AppContext.BaseDirectory, "AllocTrace.dll"));
        for (var start = 0; start < (_starts ?? 10); start++)
        {
            var database = folder.File($"{start}.db");
            var result = library.Run("dotnet", [host, library.Path], new() { ["DOTNET_STARTUP_HOOKS"] = hook, ["ALLOCTRACE"] = database });
            Assert.AreEqual((0, "", ""), (result.ExitCode, result.Output, result.Error), $"start {start}");
            File.Delete(database);
        }
    }
}
