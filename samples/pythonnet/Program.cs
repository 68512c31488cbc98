// A .NET program that runs Python by pythonnet, and finds out what its Python code holds.
//
//   dotnet run --project samples/pythonnet -- /usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0 host.db
//
// Without the second argument it records nothing by itself: DOTNET_STARTUP_HOOKS and ALLOCTRACE do (docs/embedding.md).
using AllocTrace;
using AllocTrace.Analysis;

using Python.Runtime;

if (args is not [var library, .. var rest])
{
    Console.Error.WriteLine("usage: PythonNetHost LIBPYTHON [FILE.db]");
    return 2;
}

using var tracer = rest is [var database] ? AllocationTracer.Start(database, overwrite: true) : null; // before libpython is loaded
Runtime.PythonDLL = library;
PythonEngine.Initialize();
using (Py.GIL())
{
    using var scope = Py.CreateScope();
    scope.Exec("sessions = [b'x' * size for size in range(50000, 50100)]");
    foreach (var statistic in tracer?.TakeSnapshot("a hundred sessions").Statistics(GroupBy.Lineno).Take(1) ?? [])
        Console.WriteLine($"{statistic.Traceback.Newest?.Function}, line {statistic.Traceback.Newest?.LineNumber}: {statistic.Count} blocks, {statistic.Size} bytes");
}

PythonEngine.Shutdown();
return 0;
