using System.Diagnostics;
using System.Text;

namespace AllocTrace.Attaching;

/// <summary>
/// A gdb that is attached to a process and gets its commands group by group. If this process ends, gdb reads the end of its input, removes
/// its breakpoints and detaches.
/// </summary>
internal sealed class Gdb : IDisposable
{
    // In a session of its own: Ctrl-C at the terminal is not for it, since it would pass it on to the process.
    private const string NewSession = "setsid", Name = "gdb";

    private static readonly TimeSpan _ending = TimeSpan.FromSeconds(30);

    private readonly Process _gdb;
    private readonly StringBuilder _errors = new();
    private int _groups;

    /// <param name="command">The program that reads the commands, with its arguments.</param>
    internal Gdb(params string[] command)
    {
        _gdb = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        _gdb.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
                _errors.AppendLine(line.Data);
        };
        _gdb.BeginErrorReadLine();
    }

    /// <summary>The last that it complained about.</summary>
    public string LastError
    {
        get
        {
            lock (_errors)
                return _errors.ToString().Trim().Split('\n')[^1];
        }
    }

    /// <summary>True if it still runs.</summary>
    public bool IsAlive => !_gdb.HasExited;

    public uint Pid => (uint)_gdb.Id;

    /// <summary>Starts a gdb that attaches to a process.</summary>
    /// <exception cref="IOException">There is no gdb. The message is one line.</exception>
    public static Gdb Attach(uint pid)
    {
        if (Find(Name) is not { } program)
            throw new IOException($"process {pid} runs a CPython before 3.14, so attaching needs gdb: install gdb");

        string[] command =
        [
            program, "-nx", "-q", "-iex", "set auto-load off", "-iex", "set auto-solib-add off", "-iex", "set debuginfod enabled off", "-iex", "set style enabled off",
            "-iex", "set confirm off", "-iex", "set pagination off", "-p", $"{pid}",
        ];
        return Find(NewSession) is { } session ? new Gdb([session, .. command]) : new Gdb(command);
    }

    /// <summary>Has it do something, and waits until that is done.</summary>
    /// <returns>The text printed meanwhile.</returns>
    public string Do(params IEnumerable<string> commands) => Begin(commands).GetAwaiter().GetResult();

    /// <summary>Has it do something.</summary>
    /// <returns>The text printed until that is done.</returns>
    public Task<string> Begin(params IEnumerable<string> commands)
    {
        var end = $"alloctrace-group-{++_groups}";
        try
        {
            foreach (var command in commands)
                _gdb.StandardInput.WriteLine(command);

            _gdb.StandardInput.WriteLine($"echo {end}\\n");
            _gdb.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It has ended: reading finds that out.
        }

        return Task.Run(() => ReadTo(end));
    }

    public void Dispose()
    {
        try
        {
            _gdb.StandardInput.Close(); // it detaches and ends
        }
        catch (IOException)
        {
            // It has ended.
        }

        _gdb.WaitForExit(_ending);
        _gdb.Dispose();
    }

    private string ReadTo(string end)
    {
        var text = new StringBuilder();
        while (_gdb.StandardOutput.ReadLine() is { } line)
        {
            if (line.EndsWith(end, StringComparison.Ordinal))
                break;

            text.AppendLine(line);
        }

        return text.ToString();
    }

    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
