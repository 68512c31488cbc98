using AllocTrace.Storage;
using AllocTrace.Wire;

namespace AllocTrace.Report.Render;

/// <summary>Says which allocations of C code a recording lacks.</summary>
internal static class NativeCaveats
{
    /// <summary>Says what C stacks lack.</summary>
    public static void WriteStacks(Page page, long cut, long unplaced)
    {
        if (cut > 0)
            page.Line($"  {Numbers.Of(cut, "allocation")} with a C stack that ends early: code on it does not say who called it", Page.Dim);
        if (unplaced > 0)
            page.Line($"  {Numbers.Of(unplaced, "allocation")} in Python code whose C stack shows no interpreter loop: their C frames include callers of the loop", Page.Dim);
    }

    public static void Write(Page page, TraceNative native)
    {
        var what = native.HasStacks ? "malloc and mmap are recorded, with C stacks" : "malloc and mmap are recorded";
        page.Line($"  {what}{(native.IsWhole ? "" : ", but not all calls:")}", native.IsWhole ? Page.Dim : Page.Alarm);
        if (native.ReachKind == NativeReach.Redirected)
            page.Line("  - the recording came too late or another allocator comes first, so only images that were loaded by then, or since, are seen: start the program with 'alloctrace run --native malloc'", Page.Alarm);
        if (native.ReachKind == NativeReach.None)
            page.Line("  - no call reaches AllocTrace", Page.Alarm);
        foreach (var image in native.Past)
            page.Line($"  - {Printable.Text(image)} has an allocator of its own: of its memory only mappings are seen", Page.Alarm);
    }
}
