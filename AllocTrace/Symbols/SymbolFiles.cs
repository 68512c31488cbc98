using System.Collections.Concurrent;

namespace AllocTrace.Symbols;

/// <summary>Finds the names of functions in the files that code came from, and in debug files. Files are read once; thread-safe.</summary>
/// <param name="debugFolders">Where debug files are, by build id: <c>FOLDER/.build-id/ab/cdef….debug</c>.</param>
internal sealed class SymbolFiles(params IReadOnlyList<string> debugFolders)
{
    private readonly ConcurrentDictionary<(string Path, string? BuildId), Image?> _images = [];

    /// <summary>Those of this system, for recordings that end now.</summary>
    public static SymbolFiles OfSystem { get; } = new("/usr/lib/debug");

    /// <summary>Finds the function of a byte of a file.</summary>
    /// <param name="path">The file as its process named it.</param>
    /// <param name="buildId">That it had, in base 16: a file with another one is another file. <see langword="null"/>: not known.</param>
    /// <param name="fileOffset">Where in the file.</param>
    /// <returns><see langword="null"/> when there is no such file any more.</returns>
    public FunctionName? Find(string path, string? buildId, ulong fileOffset) => ImageOf(path, buildId) is { } image && image.File.AddressOf(fileOffset) is { } address
        ? image.Functions.Find(address)
        : null;

    /// <summary>Finds the name of a function by where it begins, as its file counts addresses.</summary>
    public string? NameAt(string path, string buildId, ulong address) => ImageOf(path, buildId)?.Functions.Find(address) is { Name: { } name } ? name : null;

    private Image? ImageOf(string path, string? buildId) => _images.GetOrAdd((path, buildId), key => Open(key.Path, key.BuildId));

    private Image? Open(string path, string? buildId)
    {
        try
        {
            var found = ElfImage.TryOpenWithFunctions(path);
            buildId ??= found?.BuildId ?? "";
            var debug = debugFolders.Select(folder => DebugFile(folder, buildId)).FirstOrDefault(file => file is not null);
            var file = found?.BuildId == buildId ? found : debug;
            return file is null ? null : new Image(file, new FunctionTable(file, debug));
        }
        catch (IOException)
        {
            return null; // damaged
        }
    }

    private static ElfImage? DebugFile(string folder, string buildId) =>
        buildId.Length > 2 ? ElfImage.TryOpenWithFunctions(Path.Combine(folder, ".build-id", buildId[..2], $"{buildId[2..]}.debug")) : null;

    private sealed record Image(ElfImage File, FunctionTable Functions);
}
