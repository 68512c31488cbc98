using System.Text.RegularExpressions;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>A CPython as a library, with everything that a C program needs to be linked and started with it.</summary>
public sealed partial record LibPython(Python Python, string Path, string Home, string[] Launcher)
{
    private static readonly Lazy<LibPython[]> _all = new(() => [.. Python.Installed.Select(Of).OfType<LibPython>()]);

    public static IReadOnlyList<LibPython> Installed => _all.Value;

    /// <summary>The rows for DynamicData.</summary>
    public static IEnumerable<object[]> Rows => Installed.Select(library => new object[] { library });

    /// <summary>Runs a program of ours with this interpreter within its reach.</summary>
    public CommandResult Run(string program, IEnumerable<string> arguments, Dictionary<string, string?> environment)
    {
        string[] command = [.. Launcher, program, .. arguments];
        environment["PYTHONHOME"] = Home;
        return Command.Run("env", [.. environment.Where(each => each.Value is not null).Select(each => $"{each.Key}={each.Value}"), .. command]);
    }

    /// <inheritdoc/>
    public override string ToString() => $"lib{Python}";

    private static LibPython? Of(Python python)
    {
        var answer = python.Run(["-S", "-c", "import sys, sysconfig; print(sysconfig.get_config_var('INSTSONAME')); print(sysconfig.get_config_var('LIBDIR')); print(sys.base_prefix)"]);
        if (answer.ExitCode != 0 || answer.Lines is not [var name, var folder, var home])
            return null;

        // Interpreters of another system's tree are started by a script, with that tree's own loader.
        var script = Script().Match(File.OpenHandle(python.Path) is var handle ? ReadStart(handle) : "");
        if (script.Success)
            folder = System.IO.Path.Combine(home, "lib", "x86_64-linux-gnu");

        var path = new[] { folder, System.IO.Path.Combine(home, "lib"), $"/usr/lib/{Architecture}-linux-gnu" }.Select(each => System.IO.Path.Combine(each, name)).FirstOrDefault(File.Exists);
        return path is null ? null : new LibPython(python, path, home, script.Success ? [script.Groups[1].Value, "--library-path", script.Groups[2].Value] : []);
    }

    private static string Architecture => System.Runtime.InteropServices.RuntimeInformation.OSArchitecture is System.Runtime.InteropServices.Architecture.Arm64 ? "aarch64" : "x86_64";

    private static string ReadStart(Microsoft.Win32.SafeHandles.SafeFileHandle handle)
    {
        using (handle)
        {
            var bytes = new byte[1000];
            return System.Text.Encoding.Latin1.GetString(bytes, 0, RandomAccess.Read(handle, bytes, 0));
        }
    }

    [GeneratedRegex(@"^#!/bin/sh\n.*exec (\S+ld-linux\S+) --library-path (\S+)")]
    private static partial Regex Script();
}
