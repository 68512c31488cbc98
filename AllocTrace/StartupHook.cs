using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

/// <summary>
/// Runs before a program's Main when <c>DOTNET_STARTUP_HOOKS=…/AllocTrace.dll</c> is set: records the Python that the program will embed if
/// <c>ALLOCTRACE</c> asks for it. The name, without a namespace, is the runtime's.
/// </summary>
[RequiresUnreferencedCode(NeedsRuntime)]
internal static class StartupHook
{
    private const string NeedsRuntime = "The runtime loads this assembly from a file; a program compiled ahead of time has no startup hooks.";

    /// <summary>Starts the recording that the environment requests. Never throws: an error is one line on the error output.</summary>
    [RequiresAssemblyFiles(NeedsRuntime)]
    public static void Initialize()
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("ALLOCTRACE")))
            return;

        try
        {
            // In a context of its own: the program may have other versions of what this library needs.
            var file = typeof(StartupHook).Assembly.Location;
            var library = new FolderContext(Path.GetDirectoryName(file)!).LoadFromAssemblyPath(file);
            var start = library.GetType("AllocTrace.AllocationTracer")!.GetMethod("StartFromEnvironment")!;
            start.Invoke(null, null);
        }
        catch (TargetInvocationException e)
        {
            Console.Error.WriteLine($"alloctrace: {e.InnerException!.Message.ReplaceLineEndings(" ")}; nothing is recorded");
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"alloctrace: {e.Message.ReplaceLineEndings(" ")}; nothing is recorded");
        }
    }

    /// <summary>Assemblies and native libraries of one folder, as packages lay them out.</summary>
    [RequiresUnreferencedCode(NeedsRuntime)]
    private sealed class FolderContext(string folder) : AssemblyLoadContext("AllocTrace")
    {
        protected override Assembly? Load(AssemblyName assemblyName)
        {
            var file = Path.Combine(folder, $"{assemblyName.Name}.dll");
            return File.Exists(file) ? LoadFromAssemblyPath(file) : null;
        }

        protected override nint LoadUnmanagedDll(string unmanagedDllName)
        {
            var architecture = RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant();
            var native = Path.Combine(folder, "runtimes", $"linux-{architecture}", "native");
            string[] names = [unmanagedDllName, $"lib{unmanagedDllName}.so", $"{unmanagedDllName}.so"];
            var file = names.SelectMany(name => (string[])[Path.Combine(native, name), Path.Combine(folder, name)]).FirstOrDefault(File.Exists);
            return file is null ? 0 : LoadUnmanagedDllFromPath(file);
        }
    }
}
