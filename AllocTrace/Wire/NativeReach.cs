namespace AllocTrace.Wire;

/// <summary>The way in which calls of the C library's allocator come to the library (option <c>native</c>).</summary>
internal enum NativeReach : uint
{
    /// <summary>They do not, or not yet.</summary>
    None = 0,

    /// <summary><c>liballoctrace-native.so</c> was preloaded: everybody's calls, by name.</summary>
    ByName = 1,

    /// <summary>Only from the images whose imports were redirected.</summary>
    Redirected = 2,
}
