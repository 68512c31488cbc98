using System.Globalization;

namespace AllocTrace.Objects;

/// <summary>
/// Finds what holds blocks from outside: modules, frames, threads, static data. What has more references than all of that explains is held by C code;
/// that is how CPython's own collector finds what it must not free.
/// </summary>
internal sealed class RootFinder
{
    private readonly HeapGraph _graph;
    private readonly PythonBuild _build;
    private readonly PageReader _memory;
    private readonly FrameScan _frames;
    private readonly ImageThreads _threads;
    private readonly Roots _roots;

    private RootFinder(HeapGraph graph)
    {
        (_graph, _build, _memory, _roots) = (graph, graph.Build, graph.Memory, new Roots(graph.Blocks.Length));
        _frames = new FrameScan(_memory, graph.TypeReader, _build);
        _threads = new ImageThreads(_memory, _frames, _build);
    }

    public static Roots Find(HeapGraph graph)
    {
        var finder = new RootFinder(graph);
        var number = 0;
        foreach (var interpreter in finder._threads.Interpreters().Reverse())
        {
            finder.Add(finder._memory.Word(interpreter, finder._build.Layout.InterpreterModules), RootKind.Module, "sys.modules");
            foreach (var state in finder._threads.Threads(interpreter))
                finder.AddThread(state, ++number);
        }

        new StaticData(graph, finder._roots).Scan();
        finder.AddRest();
        return finder._roots;
    }

    private void AddThread(ulong state, int number)
    {
        foreach (var frame in _threads.Frames(state, number))
        {
            var where = string.Create(CultureInfo.InvariantCulture, $"thread {number}: {_graph.Code.NameOf(frame.Code)} ({_graph.Code.FileOf(frame.Code)}:{_graph.Code.LineOf(frame.Address, frame.Code)})");
            AddFrame(frame, where);
        }

        Add(_memory.Word(state, _build.Layout["thread_state.dict"]), RootKind.Thread, $"thread {number}");
    }

    private void AddFrame(ImageFrame frame, string where)
    {
        var layout = _build.Layout;
        var (first, names) = (frame.Address + (ulong)layout.FrameLocals, _graph.Code.LocalsOf(frame.Code));
        for (var i = 0; i < names.Length; i++)
            AddReference(_memory.Word(first + (ulong)(i * 8)), RootKind.Local, $"{where} local {names[i]}");

        Add(_memory.Word(frame.Address, layout.FrameLocalsDict), RootKind.Frame, $"{where} locals");
        if (layout.Minor <= 10)
        {
            Add(frame.Address, RootKind.Frame, $"{where} frame");
            return;
        }

        AddReference(_memory.Word(frame.Address, layout["frame.function"]), RootKind.Frame, $"{where} function");
        AddReference(_memory.Word(frame.Address, _build.Frames.FrameCode), RootKind.Frame, $"{where} code");
        var valid = _frames.ValidWords(frame.Address, names.Length);
        for (var i = (long)names.Length; i < valid; i++)
            AddReference(_memory.Word(first + (ulong)(i * 8)), RootKind.Frame, $"{where} stack");
    }

    /// <summary>
    /// Adds a reference of a frame, which has tags in its low bits from 3.14 on. Borrowed ones count here too, because they show where an
    /// object is used.
    /// </summary>
    private void AddReference(ulong word, RootKind kind, string name) => Add(_build.Minor >= 14 ? word & ~3UL : word, kind, name);

    private void Add(ulong address, RootKind kind, string name) => _roots.Add(_graph.Target.FindObject(address), kind, name);

    private void AddRest()
    {
        var references = _graph.References;
        using var isReferred = new Column<bool>(_graph.Blocks.Length);
        foreach (var target in references.All)
            isReferred[target] = true;

        for (var i = 0; i < isReferred.Length; i++)
        {
            if (_graph.KindOf(i) == BlockKind.Memory && !isReferred[i])
                _roots.Add(i, RootKind.Memory);
            else if (references.Unexplained[i] > 0 && _graph.KindOf(i) == BlockKind.Object)
                _roots.Add(i, RootKind.Native, references.Unexplained[i] == int.MaxValue ? _build.Layout.IsFreeThreaded ? "uncounted" : "immortal" : null);
        }
    }
}
