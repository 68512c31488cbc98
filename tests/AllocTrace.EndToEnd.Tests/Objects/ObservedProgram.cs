using System.Diagnostics;

using AllocTrace.Objects;
using AllocTrace.Stacks;
using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// A program of programs/objects under native/object_log.c, which waits for <see cref="Continue"/>. Its memory does not change meanwhile,
/// and the log has its blocks.
/// </summary>
internal sealed class ObservedProgram : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Process _process;

    /// <param name="python">The CPython that runs it.</param>
    /// <param name="program">A file of programs/objects.</param>
    /// <param name="witness">CENSUS or GARBAGE: the content of <see cref="Witness"/>.</param>
    /// <param name="environment">More environment variables.</param>
    public ObservedProgram(Python python, string program, string? witness = null, params (string Name, string Value)[] environment)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "programs", "objects", program);
        var start = new ProcessStartInfo(python.Path, [script]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        (start.Environment["LD_PRELOAD"], start.Environment["OBJECT_LOG"]) = (TestLibrary.ObjectLog, LogPath);
        start.Environment["OBJECT_LIBRARY"] = TestLibrary.ObjectLog;
        if (witness is not null)
            start.Environment[witness] = Witness;

        foreach (var (name, value) in environment)
            start.Environment[name] = value;

        _process = Process.Start(start)!;
        WaitFor("READY");
    }

    /// <summary>The file in which the program describes its objects.</summary>
    public string Witness => _folder.File("witness");

    private string LogPath => _folder.File("log");

    /// <summary>Replays the log up to now.</summary>
    public ObjectLog Log() => ObjectLog.Read(LogPath);

    /// <summary>Reads types, owners and references of the live blocks.</summary>
    public HeapGraph Graph() => Graph(Log());

    /// <summary>Reads types, owners and references of the live blocks of a log.</summary>
    public HeapGraph Graph(ObjectLog log)
    {
        var found = RemotePython.FindAll(new ProcessMemory((uint)_process.Id)).Single();
        var image = new ProcessImage(_process.Id);
        var build = PythonBuild.Find(image, found.Layout.Minor, found.Layout.FreeThreaded, found.Runtime, out var why);
        Assert.IsNotNull(build, why);
        return HeapGraph.Read(image, BlockList.Of(log.Blocks), build);
    }

    /// <summary>Lets the program continue until it writes a line.</summary>
    public void Continue(string until)
    {
        _process.StandardInput.Write("\n");
        _process.StandardInput.Flush();
        WaitFor(until);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();

        _process.WaitForExit();
        _process.Dispose();
        _folder.Dispose();
    }

    private void WaitFor(string word)
    {
        for (var line = _process.StandardOutput.ReadLine(); line != word; line = _process.StandardOutput.ReadLine())
        {
            if (line is null)
                Assert.Fail($"the program ended: {_process.StandardError.ReadToEnd()}");
        }
    }
}
