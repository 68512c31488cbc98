// A service that embeds CPython and finds out what its Python code holds.
//
//   dotnet run --project samples/DotNetHost -- /usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0 host.db
//
// Without the second argument it records nothing by itself. The same program is then recorded from outside:
//
//   DOTNET_STARTUP_HOOKS=…/AllocTrace.dll ALLOCTRACE=host.db dotnet DotNetHost.dll libpython3.11.so.1.0
using AllocTrace;
using AllocTrace.Analysis;

using DotNetHost;

const string Sessions = """
    sessions = []
    def log_in(count, size):
        for i in range(count):
            session = b"x" * size
            sessions.append(session)
    """;

if (args is not [var library, .. var rest])
{
    Console.Error.WriteLine("usage: DotNetHost LIBPYTHON [FILE.db]");
    return 2;
}

using var tracer = rest is [var database] ? AllocationTracer.Start(database, overwrite: true) : null; // before libpython is loaded
var python = new Python(library);
python.Run(Sessions);
python.Run("log_in(100, 5000)");
Show(tracer?.TakeSnapshot("a hundred sessions"));
python.Run("log_in(200, 5000)");
Show(tracer?.TakeSnapshot("three hundred sessions"));
return 0;

static void Show(Snapshot? snapshot)
{
    foreach (var statistic in snapshot?.Statistics(GroupBy.Lineno).Take(1) ?? [])
        Console.WriteLine($"{statistic.Traceback.Newest?.Function}, line {statistic.Traceback.Newest?.LineNumber}: {statistic.Count} blocks, {statistic.Size} bytes");
}
