
using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Wire;

/// <summary>
/// A session file, mapped. The file is input from elsewhere: every count, index and reference is checked against what is announced and
/// against the file's present length before it is followed, so a damaged file is an <see cref="InvalidTraceException"/>, never a fault.
/// Used by one thread at a time.
/// </summary>
internal sealed unsafe class SessionFile : IDisposable
{
    private const uint ReleasedSequence = uint.MaxValue;

    /// <summary>The number of extents mapped at a time: address space in proportion to the file, and few mappings.</summary>
    private const int ExtentsAtOnce = 16;

    private readonly SafeFileHandle _file;
    private readonly bool _isShared;
    private readonly SessionMapping _headerMapping;
    private readonly List<SessionMapping> _mappings = [];
    private readonly SessionHeader* _header;
    private readonly ExtentTable _threads = new(sizeof(ThreadSlot));
    private readonly ExtentTable _slabs = new(WireFormat.SlabBytes);
    private readonly ExtentTable _nodes = new(sizeof(StackNode));
    private readonly ExtentTable _codes = new(sizeof(CodeEntry));
    private readonly ExtentTable _strings = new(1);
    private readonly ExtentTable _images = new(sizeof(ImageEntry));
    private readonly ExtentTable _cFrames = new(sizeof(CFrame));
    private readonly ExtentTable _crash = new(WireFormat.ExtentBytes);
    private readonly ExtentTable _memory = new(sizeof(ulong));
    private uint _knownExtents;

    private SessionFile(string path, SafeFileHandle file, SessionMapping header, bool shared)
    {
        Path = path;
        _file = file;
        _isShared = shared;
        _headerMapping = header;
        _header = (SessionHeader*)header.DangerousGetHandle();
    }

    /// <summary>The file's name, as given.</summary>
    public string Path { get; }

    /// <summary>The header, in the mapping: valid until <see cref="Dispose"/>. The traced process may change it at any time.</summary>
    public SessionHeader* Header => _header;

    /// <summary>Opens a session.</summary>
    /// <param name="path">The file.</param>
    /// <param name="shared">True to take part (release slabs, publish the position); otherwise the file stays unchanged.</param>
    /// <returns>The session, or <see langword="null"/> when its process has not finished making it: try again later.</returns>
    /// <exception cref="InvalidTraceException">The file is not a session, is one of another version, or is damaged.</exception>
    /// <exception cref="IOException">The file cannot be opened or mapped, or is not one that this user's processes make.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be opened.</exception>
    public static SessionFile? TryOpen(string path, bool shared)
    {
        var file = OwnFile.Open(path, shared ? FileAccess.ReadWrite : FileAccess.Read);
        SessionFile? session = null;
        try
        {
            if (RandomAccess.GetLength(file) < WireFormat.HeaderBytes)
            {
                file.Dispose();
                return null;
            }

            session = new SessionFile(path, file, SessionMapping.Create(file, 0, WireFormat.HeaderBytes, shared), shared);
            var magic = Volatile.Read(ref session._header->Magic);
            if (magic == 0)
            {
                session.Dispose();
                return null;
            }

            session.CheckHeader(magic);
            session.Refresh();
            return session;
        }
        catch
        {
            session?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <summary>Takes notice of extents that were added since the last call. To be called before reading what was announced since.</summary>
    /// <exception cref="InvalidTraceException">The file announces more than it holds.</exception>
    public void Refresh()
    {
        var announced = Volatile.Read(ref _header->Extents);
        var length = RandomAccess.GetLength(_file);
        if (announced > WireFormat.MaxExtents || WireFormat.HeaderBytes + (long)announced * WireFormat.ExtentBytes > length)
            throw Damaged($"it announces {announced} extents and is {length} bytes long");

        for (; _knownExtents < announced; _knownExtents++)
            AddExtent(_knownExtents);
    }

    /// <summary>The size of the file, in bytes.</summary>
    public long Bytes => RandomAccess.GetLength(_file);

    /// <summary>The number of CPythons of the process that are described.</summary>
    public uint RuntimeCount => Math.Min(Volatile.Read(ref _header->Runtimes), WireFormat.Runtimes);

    /// <summary>A CPython in the process, numbered from 0.</summary>
    public RuntimeEntry* Runtime(uint number) => (RuntimeEntry*)_header->Runtime + number;

    /// <summary>The number of thread slots.</summary>
    public uint ThreadCount => Announced(ref _header->Threads, _threads, "threads");

    /// <summary>A thread slot; <paramref name="slot"/> is below a <see cref="ThreadCount"/> read before.</summary>
    public ThreadSlot* Thread(uint slot) => (ThreadSlot*)_threads[slot];

    /// <summary>Returns an address of the stack and of the descriptor of each thread that lives.</summary>
    public List<(ulong Stack, ulong Descriptor)> StacksOfThreads()
    {
        var stacks = new List<(ulong, ulong)>();
        for (uint slot = 0; slot < ThreadCount; slot++)
        {
            if (Thread(slot)->CurrentState == ThreadSlotState.Live)
                stacks.Add((Thread(slot)->Stack, Thread(slot)->Descriptor));
        }

        return stacks;
    }

    /// <summary>The number of stack nodes that may be read.</summary>
    public uint NodeCount => Announced(ref _header->Nodes, _nodes, "nodes");

    /// <summary>A stack node; <paramref name="node"/> is below a <see cref="NodeCount"/> read before.</summary>
    public StackNode* Node(uint node) => (StackNode*)_nodes[node];

    /// <summary>Returns the expression of a stack's innermost line, packed as in <c>wire.h</c>; 0 if unknown.</summary>
    /// <exception cref="InvalidTraceException">There is no such node.</exception>
    public uint ExpressionOf(uint node)
    {
        while (node >= WireFormat.FirstNode && Node(node)->Code is WireFormat.NativeCode or WireFormat.OuterCode && Node(node)->Parent < node)
            node = Node(node)->Parent;

        return node >= WireFormat.FirstNode && Node(node)->Code == WireFormat.ExpressionCode ? Node(node)->Line : 0;
    }

    /// <summary>CPython's number of the interpreter that a stack is of; 0: the main one. Of a node whose callers have smaller numbers.</summary>
    public uint InterpreterOf(uint node)
    {
        if (Header->Interpreters == 0)
            return 0;

        while (node >= WireFormat.FirstNode && Node(node)->Code != WireFormat.InterpreterCode)
            node = Node(node)->Parent;

        return node >= WireFormat.FirstNode ? Node(node)->Line : 0;
    }

    /// <summary>The number of code entries that may be read.</summary>
    public uint CodeCount => Announced(ref _header->Codes, _codes, "codes");

    /// <summary>A code entry; <paramref name="code"/> is below a <see cref="CodeCount"/> read before.</summary>
    public CodeEntry* Code(uint code) => (CodeEntry*)_codes[code];

    /// <summary>The number of images that may be read.</summary>
    public uint ImageCount => Announced(ref _header->Images, _images, "images");

    /// <summary>An image; <paramref name="image"/> is below an <see cref="ImageCount"/> read before.</summary>
    public ImageEntry* Image(uint image) => (ImageEntry*)_images[image];

    /// <summary>The number of C frames that may be read.</summary>
    public uint CFrameCount => Announced(ref _header->CFrames, _cFrames, "C frames");

    /// <summary>A C frame; <paramref name="frame"/> is below a <see cref="CFrameCount"/> read before.</summary>
    public CFrame* CFrame(uint frame) => (CFrame*)_cFrames[frame];

    /// <summary>A slab, checked.</summary>
    /// <exception cref="InvalidTraceException">There is no such slab.</exception>
    public SlabHeader* Slab(uint slab)
    {
        if (slab >= Announced(ref _header->Slabs, _slabs, "slabs"))
            throw Damaged($"slab {slab} does not exist");

        return (SlabHeader*)_slabs[slab];
    }

    /// <summary>The bytes of a string; empty for reference 0.</summary>
    /// <exception cref="InvalidTraceException">The reference or the length points outside.</exception>
    public ReadOnlySpan<byte> StringBytes(uint reference)
    {
        if (reference == 0)
            return [];

        var announced = Announced(ref _header->StringBytes, _strings, "strings");
        if (reference % 4 != 0 || reference > announced || announced - reference < 4)
            throw Damaged($"string {reference} does not exist");

        var start = _strings[reference];
        var length = *(uint*)start;
        var room = Math.Min(announced - reference, WireFormat.ExtentBytes - reference % WireFormat.ExtentBytes) - 4;
        if (length > WireFormat.MaxStringBytes || length > room)
            throw Damaged($"string {reference} has {length} bytes");

        return new ReadOnlySpan<byte>(start + 4, (int)length);
    }

    /// <summary>A string as text (<see cref="PythonText"/>).</summary>
    /// <exception cref="InvalidTraceException">The reference or the length points outside.</exception>
    public string String(uint reference) => PythonText.Decode(StringBytes(reference));

    /// <summary>The extent of a crash; <see langword="null"/> when the recording has none.</summary>
    public byte* Crash => _crash.Capacity > 0 ? _crash[0] : null;

    /// <summary>The number of words of accounts of resident memory that may be read.</summary>
    public ulong MemoryWordCount
    {
        get
        {
            var announced = Volatile.Read(ref _header->MemoryWords);
            if (announced > (ulong)_memory.Capacity)
                Refresh();

            return announced <= (ulong)_memory.Capacity ? announced : throw Damaged($"it announces {announced} words of accounts and holds {_memory.Capacity}");
        }
    }

    /// <summary>A word; <paramref name="word"/> is below a <see cref="MemoryWordCount"/> read before.</summary>
    public ulong MemoryWord(ulong word) => *(ulong*)_memory[(uint)word];

    /// <summary>Gives a slab back to the traced process. The slab's records must have been replayed; the caller must not touch it again.</summary>
    public void Release(uint slab)
    {
        var header = Slab(slab);
        header->Sequence = ReleasedSequence; // until it is used again: a later collector sees that this was done
        var head = Volatile.Read(ref _header->FreeSlabs);
        while (true)
        {
            header->NextFree = (uint)head;
            var tag = (uint)(head >> 32) + 1;
            var seen = Interlocked.CompareExchange(ref _header->FreeSlabs, (ulong)tag << 32 | (slab + 1), head);
            if (seen == head)
                break;

            head = seen;
        }

        Interlocked.Increment(ref _header->ReleasedSlabs);
    }

    /// <summary>Takes a lock of the session, which ends with this object at the latest.</summary>
    /// <returns>True if it was free; <see langword="null"/>: the file system has no locks.</returns>
    public bool? TryLock(SessionLock which) => LibC.TryLockByte(_file, (long)which);

    public void Unlock(SessionLock which) => LibC.UnlockByte(_file, (long)which);

    /// <summary>True if a collector has the session now, in whichever pid namespace it runs.</summary>
    public bool IsCollected => Volatile.Read(ref _header->CollectorPid) is not 0 and var collector
        && (LibC.IsByteLocked(_file, (long)SessionLock.Collector) ?? new ProcessProbe(collector, 0).IsAlive());

    /// <summary>
    /// Returns true if any other descriptor or mapping of the file exists; <see langword="null"/> if the system does not show it.
    /// </summary>
    public bool? IsOpenElsewhere() => LibC.IsOpenElsewhere(_file);

    /// <summary>An exception that says that the file is damaged, and where.</summary>
    public InvalidTraceException Damaged(string what) => new(Path, $"the session is damaged: {what}");

    public void Dispose()
    {
        foreach (var mapping in _mappings)
            mapping.Dispose();

        _headerMapping.Dispose();
        _file.Dispose();
    }

    private void CheckHeader(ulong magic)
    {
        if (magic != WireFormat.Magic)
            throw new InvalidTraceException(Path, "not an AllocTrace session");

        if (_header->Version != WireFormat.Version)
            throw new InvalidTraceException(Path, $"a session of version {_header->Version}; this program reads version {WireFormat.Version}");

        if (_header->HeaderBytes != WireFormat.HeaderBytes || _header->ExtentBytes != WireFormat.ExtentBytes || _header->SlabBytes != WireFormat.SlabBytes)
            throw Damaged("the sizes in its header are not those of its version");

        if (_header->SampleBytes > WireFormat.LargestSample)
            throw Damaged($"it samples every {_header->SampleBytes} bytes");
    }

    private void AddExtent(uint extent)
    {
        var start = Map(extent);
        var kind = (ExtentKind)((byte*)_header)[WireFormat.ExtentKindsOffset + extent];
        var table = kind switch
        {
            ExtentKind.Threads => _threads,
            ExtentKind.Slabs => _slabs,
            ExtentKind.Nodes => _nodes,
            ExtentKind.Codes => _codes,
            ExtentKind.Strings => _strings,
            ExtentKind.Crash => _crash,
            ExtentKind.Memory => _memory,
            ExtentKind.Images => _images,
            ExtentKind.CFrames => _cFrames,
            _ => throw Damaged($"extent {extent} is of the unknown kind {(byte)kind}"),
        };
        table.Add(start);
    }

    private byte* Map(uint extent)
    {
        var part = (int)(extent / ExtentsAtOnce);
        const long bytes = (long)ExtentsAtOnce * WireFormat.ExtentBytes;
        if (part == _mappings.Count)
            _mappings.Add(SessionMapping.Create(_file, WireFormat.HeaderBytes + part * bytes, bytes, _isShared));

        return (byte*)_mappings[part].DangerousGetHandle() + (long)(extent % ExtentsAtOnce) * WireFormat.ExtentBytes;
    }

    /// <summary>Reads a count with acquire semantics; the extents that hold what it announces were announced before it.</summary>
    private uint Announced(ref uint count, ExtentTable table, string what)
    {
        var announced = Volatile.Read(ref count);
        if (announced <= table.Capacity)
            return announced;

        Refresh();
        return announced <= table.Capacity ? announced : throw Damaged($"it announces {announced} {what} and holds {table.Capacity}");
    }
}
