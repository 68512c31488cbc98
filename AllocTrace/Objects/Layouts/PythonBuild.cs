using AllocTrace.Stacks;

namespace AllocTrace.Objects;

/// <summary>The CPython whose objects an image holds.</summary>
/// <param name="Layout">The offsets in objects.</param>
/// <param name="Frames">The offsets in threads, frames, code and strings.</param>
/// <param name="Runtime">The address of <c>_PyRuntime</c>.</param>
internal sealed record PythonBuild(ObjectLayout Layout, PythonLayout Frames, ulong Runtime)
{
    private const int DebugOffsetsBytes = 1024;

    /// <summary>The minor version: 8 for 3.8.</summary>
    public int Minor => Layout.Minor;

    /// <summary>Creates the description of a version of CPython whose state is at an address of the image.</summary>
    /// <param name="image">The memory that the layouts are compared with, where the CPython publishes them.</param>
    /// <param name="minor">The minor version of CPython 3.</param>
    /// <param name="freeThreaded">True for a build without the GIL.</param>
    /// <param name="runtime">The address of <c>_PyRuntime</c>.</param>
    /// <param name="why">The reason for a result of <see langword="null"/>; otherwise empty.</param>
    /// <returns><see langword="null"/> when the layout of this CPython is not known.</returns>
    public static PythonBuild? Find(IMemoryImage image, int minor, bool freeThreaded, ulong runtime, out string why)
    {
        var version = $"3.{minor}{(freeThreaded ? "t" : "")}";
        if (ObjectLayout.Find(minor, freeThreaded) is not { } layout || PythonLayout.Find(minor, freeThreaded) is not { } frames)
        {
            why = $"the layout of objects of CPython {version} is not known";
            return null;
        }

        var offsets = new byte[DebugOffsetsBytes];
        if (minor >= 13 && (!image.TryRead(runtime, offsets) || layout.DifferenceFrom(offsets) is not null || frames.DifferenceFrom(offsets) is not null))
        {
            why = $"the layout of objects of this CPython {version} is not known ({layout.DifferenceFrom(offsets) ?? frames.DifferenceFrom(offsets) ?? "_PyRuntime"})";
            return null;
        }

        why = "";
        return new PythonBuild(layout, frames, runtime);
    }
}
