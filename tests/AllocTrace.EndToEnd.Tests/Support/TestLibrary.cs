namespace AllocTrace.EndToEnd.Tests;

/// <summary>Finds the libraries of native/, for traced programs.</summary>
internal static class TestLibrary
{
    public static string CountingAllocator { get; } = PathOf("counting_allocator");

    public static string CountingMalloc { get; } = PathOf("counting_malloc");

    public static string CHeap { get; } = PathOf("c_heap");

    public static string Threads { get; } = PathOf("threads");

    public static string Undisturbed { get; } = PathOf("undisturbed");

    public static string HostAllocator { get; } = PathOf("host_allocator");

    public static string CallstackProbe { get; } = PathOf("callstack_probe");

    public static string Crashing { get; } = PathOf("crashing");

    public static string Departing { get; } = PathOf("departing");

    public static string Faults { get; } = PathOf("faults");

    public static string ObjectLog { get; } = PathOf("object_log");

    public static string CCallers { get; } = PathOf("c_callers");

    public static string CWaiters { get; } = PathOf("c_waiters");

    private static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, $"{name}.so");
}
