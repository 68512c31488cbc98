namespace AllocTrace.Objects;

/// <summary>
/// Reads the names that threads have in Python (<c>threading.Thread.name</c>) from the memory of a process: the module <c>threading</c> keeps its running
/// threads in the dict <c>_active</c>. The process may run meanwhile. What is read then may be old and new at once, so everything counts only if its type
/// is the expected one.
/// </summary>
internal sealed class ThreadNames
{
    private const int MostThreads = 1 << 16, MostCharacters = 256;

    private readonly HeapGraph _graph;
    private readonly ObjectReferences _references;
    private readonly List<ReferencePlace> _attributes = [];
    private readonly Dictionary<uint, string> _names = [];

    private ThreadNames(IMemoryImage image, PythonBuild build)
    {
        _graph = HeapGraph.Read(image, BlockList.Of([]), build);
        _references = new ObjectReferences(_graph);
        var threads = new ImageThreads(_graph.Memory, new FrameScan(_graph.Memory, _graph.TypeReader, build), build);
        foreach (var interpreter in threads.Interpreters())
            AddThreadsOf(_graph.Memory.Word(interpreter, build.Layout.InterpreterModules));
    }

    /// <summary>Returns the names of running threads by the system's number of the thread, as the process knows it.</summary>
    /// <exception cref="IOException">The process has ended. The message is one line.</exception>
    /// <exception cref="UnauthorizedAccessException">The system does not allow it.</exception>
    public static IReadOnlyDictionary<uint, string> Read(IMemoryImage image, PythonBuild build)
    {
        var names = new ThreadNames(image, build);
        names._graph.Dispose();
        return names._names;
    }

    private void AddThreadsOf(ulong modules)
    {
        var module = IsOf(modules, ObjectKind.Dict) ? _graph.Values.Value(modules, "threading") : 0;
        var content = IsOf(module, ObjectKind.Module) ? _graph.Memory.Word(module, _graph.Build.Layout.ObjectBytes) : 0;
        var active = IsOf(content, ObjectKind.Dict) ? _graph.Values.Value(content, "_active") : 0;
        if (!IsOf(active, ObjectKind.Dict))
            return;

        foreach (var (_, thread) in _graph.Values.Items(active, MostThreads))
        {
            if (uint.TryParse(_graph.Values.SmallInt(Attribute(thread, "_native_id")), out var number) && _graph.Values.Text(Attribute(thread, "_name")) is { Length: > 0 } name)
                _names[number] = name.Length > MostCharacters ? name[..MostCharacters] : name;
        }
    }

    private bool IsOf(ulong address, ObjectKind kind) => _graph.TypeReader.TypeOf(address)?.Kind == kind;

    /// <summary>Returns an attribute of an instance, whether it has a dict or not; 0 when it is not there.</summary>
    private ulong Attribute(ulong instance, string attribute)
    {
        _attributes.Clear();
        _references.VisitAttributes(instance, _attributes.Add);
        foreach (var place in _attributes)
        {
            var name = _references.NameOf(place);
            if (name == ReferenceName.Attribute(attribute))
                return place.Target;

            if (name.IsNamespace && IsOf(place.Target, ObjectKind.Dict) && _graph.Values.Value(place.Target, attribute) is var value and not 0)
                return value;
        }

        return 0;
    }
}
