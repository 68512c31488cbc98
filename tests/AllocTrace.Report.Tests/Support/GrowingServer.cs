using AllocTrace.Analysis;
using AllocTrace.Testing;

namespace AllocTrace.Report.Tests.Support;

/// <summary>
/// The recording of a server over 20 slices of 100 ms: one function leaks 10,000 bytes in each, a cache fills up in the first three, buffers come and go,
/// and everything is freed when the interpreter finalizes. Resident memory is known in some slices.
/// </summary>
internal sealed class GrowingServer : IDisposable
{
    private const int Slices = 20;
    private const long SliceNs = 100_000_000;

    private readonly TraceBuilder _trace = new();

    /// <param name="leak">The bytes in each slice.</param>
    /// <param name="sampleBytes">The sampling interval in bytes; 0 if every allocation was recorded.</param>
    public GrowingServer(long leak = 10_000, long sampleBytes = 0)
    {
        var module = new Frame("/srv/app.py", 40, "<module>");
        var handle = new Frame("/srv/app.py", 20, "handle");
        var process = _trace.Process(77, "python3 app.py");
        var thread = _trace.Thread(process, "python3", 77);
        var audit = Site("obj", [module, handle, new Frame("/srv/audit.py", 7, "AuditLog.append")], leak * Slices, Slices);
        var cache = Site("mem", [module, handle, new Frame("/srv/cache.py", 9, "Cache.get")], 150_000, 3);
        var buffer = Site("raw", [module, handle, new Frame("/srv/app.py", 22, "handle")], 0, 0);
        long live = 0, blocks = 0;
        for (var slice = 1; slice <= Slices; slice++)
        {
            live += leak + (slice <= 3 ? 50_000 : 0);
            blocks += slice <= 3 ? 2 : 1;
            _trace.Execute(
                "INSERT INTO slice VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                slice, process, (slice - 1) * SliceNs, slice * SliceNs, live, blocks, live + 100_000, slice >= 3 ? 500_000 + (live / 2) : null);
            _trace.Execute("INSERT INTO slice_site VALUES (?1, ?2, ?3, 1, 0, 0)", slice, audit, leak);
            if (slice <= 3)
                _trace.Execute("INSERT INTO slice_site VALUES (?1, ?2, 50000, 1, 0, 0)", slice, cache);

            _trace.Execute("INSERT INTO slice_site VALUES (?1, ?2, 100000, 10, 100000, 10)", slice, buffer);
            if (slice % 6 == 0)
            {
                _trace.Named(process, $"round {slice / 6}", audit, new(leak * slice, slice));
                _trace.Named(process, $"round {slice / 6}", cache, new(150_000, 3));
                _trace.Execute("UPDATE snapshot SET at_ns = ?1 WHERE name = ?2", slice * SliceNs, $"round {slice / 6}");
            }
        }

        _trace.Execute("UPDATE process SET sample_bytes = ?1", sampleBytes);
        _trace.Save();

        int Site(string domain, Frame[] frames, long bytes, long count) => _trace.Site(
            thread, domain, _trace.Stack(frames), allocated: new(bytes + 1, count + 1), peak: new(bytes, count), live: new(bytes, count));
    }

    public string Path => _trace.Path;

    /// <summary>Replaces the names of temporary folders in a text.</summary>
    public string Stable(string text) => text.Replace(System.IO.Path.GetDirectoryName(_trace.Path) + "/", "");

    public void Dispose() => _trace.Dispose();
}
