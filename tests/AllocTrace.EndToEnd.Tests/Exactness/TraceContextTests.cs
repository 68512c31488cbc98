using AllocTrace.Report.Tests.Support;
using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Records programs that publish OpenTelemetry's thread context, and compares the span of each sample with the program's own log of its requests.
/// </summary>
[TestClass]
public sealed class TraceContextTests
{
    /// <summary>The size of a bytes object without its content.</summary>
    private const int BytesObject = 33;

    private const int Requests = 40;

    private static readonly string _source = Path.Combine(AppContext.BaseDirectory, "hosts", "publishing.c");

    /// <summary>
    /// Runs a host with the variable in its executable, in threads that publish in both ways of the protocol. Each request allocates one large block, which
    /// is always a sample and stands for itself alone.
    /// </summary>
    [TestMethod]
    public void Samples_of_an_embedding_host_have_the_spans_that_it_logged()
    {
        var library = LibPython.Installed[0];
        using var folder = new TemporaryFolder();
        var (program, database) = (folder.File("publishing"), folder.File("trace.db"));
        Command.Run(
            "cc",
            ["-std=gnu11", "-O1", "-w", _source, "-rdynamic", library.Path, $"-Wl,-rpath,{Path.GetDirectoryName(library.Path)}", "-Wl,--unresolved-symbols=ignore-in-shared-libs", "-lpthread", "-o", program]).Succeeded();
        var run = library.Run(
            program, ["4", $"{Requests}"], new() { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = database, ["ALLOCTRACE_OPTIONS"] = "sample=4K" });
        Assert.AreEqual((0, ""), (run.ExitCode, run.Error));
        HostDatabase.Await(database);

        Assert.HasCount(4 * Requests, run.Lines);
        AssertSpans(run.Lines, database);
        Assert.IsGreaterThanOrEqualTo(5, TraceQuery.Single<long>(database, "SELECT unread FROM trace_context"), "wild pointers");
        AssertLinks(run.Lines, database);
    }

    /// <summary>
    /// Loads the publisher into a program that is being recorded, with each way to reach a thread-local variable that the protocol has.
    /// </summary>
    [TestMethod]
    [DataRow("-mtls-dialect=gnu2")]
    [DataRow("-mtls-dialect=gnu")]
    [DataRow("-mtls-dialect=gnu2 -DLARGE=100000")]
    [DataRow("-mtls-dialect=gnu2 -Wl,-Bsymbolic")]
    [DataRow("-ftls-model=initial-exec")]
    public void Samples_of_a_program_have_the_spans_that_a_library_publishes(string flags)
    {
        using var folder = new TemporaryFolder();
        var (library, database) = (folder.File("publisher.so"), folder.File("trace.db"));
        Command.Run("cc", ["-std=gnu11", "-O1", "-w", "-shared", "-fPIC", "-DLIBRARY", .. flags.Split(' '), _source, "-o", library]).Succeeded();
        var run = Alloctrace.Run("run", "-q", "--sample", "4K", "-o", database, "--", Python.Default.Path, Alloctrace.ProgramFile("publishing.py"), library, $"{Requests}").Succeeded();
        Assert.HasCount(3 * Requests, run.Lines);
        AssertSpans(run.Lines, database);
        Assert.IsGreaterThanOrEqualTo(1, TraceQuery.Single<long>(database, "SELECT unread FROM trace_context"));
    }

    /// <summary>Requires that a recording of every allocation, and one of a program that publishes nothing, has no tables of spans.</summary>
    [TestMethod]
    public void Recordings_without_samples_or_a_publisher_have_no_spans()
    {
        using var folder = new TemporaryFolder();
        var (library, database) = (folder.File("publisher.so"), folder.File("trace.db"));
        Command.Run("cc", ["-std=gnu11", "-O1", "-w", "-shared", "-fPIC", "-DLIBRARY", _source, "-o", library]).Succeeded();
        string[][] commands = [[Alloctrace.ProgramFile("publishing.py"), library, "2"], ["-c", "pass"]];
        string[][] options = [[], ["--sample", "4K"]];
        foreach (var (command, option) in commands.Zip(options))
        {
            Alloctrace.Run(["run", "-q", "-f", .. option, "-o", database, "--", Python.Default.Path, .. command]).Succeeded();
            Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM sqlite_schema WHERE name IN ('slice_span', 'trace_context')"));
        }
    }

    /// <summary>Compares the spans of the handlers' blocks, one by one, and requires that no other large block has one.</summary>
    private static void AssertSpans(string[] log, string database)
    {
        TraceQuery.AssertSound(database);
        var spans = TraceQuery.Rows<(string, string, string, long)>(
            database,
            """
            SELECT trace_id, span_id, function, sum(slice_span.allocated_bytes) FROM slice_span JOIN site_frame ON site_frame.id = site
            WHERE function LIKE 'handle%' AND slice_span.allocated_bytes > 100000 GROUP BY slice, site, trace_id, span_id
            """);
        CollectionAssert.AreEquivalent(log, spans.Select(row => $"{row.Item1} {row.Item2} {row.Item3} {row.Item4 - BytesObject}").ToArray());
        Assert.AreEqual(
            0, TraceQuery.Single<long>(database, "SELECT count(*) FROM slice_span JOIN site_frame ON site_frame.id = site WHERE function = 'idle'"), "outside of requests");
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT not_kept FROM trace_context"));
        Assert.AreEqual(
            TraceQuery.Single<long>(database, "SELECT samples FROM trace_context"), TraceQuery.Single<long>(database, "SELECT sum(samples) FROM slice_span"));
        Assert.AreEqual(
            0,
            TraceQuery.Single<long>(
                database,
                """
                SELECT count(*) FROM (SELECT slice, site, sum(allocated_bytes) AS bytes FROM slice_span GROUP BY slice, site) AS spans
                JOIN slice_site USING (slice, site) WHERE bytes > allocated_bytes
                """));
    }

    /// <summary>Sends the recording to a receiver, and compares the links of the samples there; their sums are those of the recording.</summary>
    private static void AssertLinks(string[] log, string database)
    {
        using var receiver = new HttpReceiver();
        Alloctrace.Run("push", database, "--format", "otlp", "--to", receiver.Address, "--name", "shop", "--periods", "3").Succeeded();
        StoredSample[] samples = [.. receiver.Requests.SelectMany(OtlpReader.Samples)];
        var linked = samples.Where(sample => sample is { Type: "alloc_space", Link: not null, Value: > 100_000 } && sample.Frames[0].Contains("|handle_", StringComparison.Ordinal));
        CollectionAssert.AreEquivalent(
            log, linked.Select(sample => $"{sample.Link} {sample.Frames[0].Split('|')[1]} {sample.Value - BytesObject}").ToArray());
        Assert.IsTrue(samples.All(sample => sample.Link is null || sample.Type is "alloc_space" or "alloc_objects"));
        Assert.AreEqual(
            TraceQuery.Single<long>(database, "SELECT sum(allocated_bytes) FROM site"), samples.Where(sample => sample.Type == "alloc_space").Sum(sample => sample.Value));
    }
}
