using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AllocTrace.Sessions;

/// <summary>Finds <c>liballoctrace.so</c>, and <c>liballoctrace-native.so</c> beside it.</summary>
internal static class NativeLibraryFile
{
    private const string Name = "liballoctrace.so", ExporterName = "liballoctrace-native.so";

    /// <summary>Empty in a program compiled ahead of time, where assemblies are no files.</summary>
    private static string AssemblyFolder =>
        RuntimeFeature.IsDynamicCodeSupported ? Path.GetDirectoryName(typeof(NativeLibraryFile).Assembly.Location) ?? "" : "";

    /// <summary>Finds the library beside the program, or beside this assembly when another program has loaded it (a startup hook).</summary>
    /// <exception cref="FileNotFoundException">It is not there. The message is one line.</exception>
    public static string Find()
    {
        var architecture = RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant();
        var folders = new[] { AppContext.BaseDirectory, AssemblyFolder }.Where(folder => folder != "").Distinct();
        string[] places =
            [.. folders.SelectMany(folder => (string[])[Path.Combine(folder, "runtimes", $"linux-{architecture}", "native", Name), Path.Combine(folder, Name)])];
        return places.FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException($"{Name} is missing: neither {places[0]} nor {places[1]} exists", places[0]);
    }

    /// <summary>Finds the library that is preloaded as well for the option <c>native</c>.</summary>
    /// <exception cref="FileNotFoundException">It is not there. The message is one line.</exception>
    public static string FindExporter()
    {
        var path = Path.Combine(Path.GetDirectoryName(Find())!, ExporterName);
        return File.Exists(path) ? path : throw new FileNotFoundException($"{ExporterName} is missing: {path} does not exist", path);
    }
}
