using System.IO.MemoryMappedFiles;
using System.Text;

using AllocTrace.Platform;
using AllocTrace.Wire;

namespace AllocTrace.Testing;

/// <summary>
/// Writes a session file as a traced process would, by the offsets of <c>wire.h</c>, spelled out: no structure is shared with the product.
/// The file can be read while it is written. Records are appended in the order of the calls, with batches as needed.
/// </summary>
public sealed unsafe class SessionBuilder : IDisposable
{
    public const int HeaderBytes = 65536, ExtentBytes = 262144, SlabBytes = 65536;

    /// <summary>The thread id of the system for the thread in slot 0; the others follow.</summary>
    public const int FirstOsId = 1000;

    private const ulong Magic = 0x43525420434F4C41;
    private const int KindsOffset = 4096, MaxRecordBytes = 32;

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly Dictionary<byte, List<int>> _extents = [];
    private readonly List<BuiltThread> _threads = [];
    private ulong _ticket;
    private int _lastWriter = -1;

    /// <param name="path">The file to make.</param>
    /// <param name="capacity">The length in bytes; unused parts are holes.</param>
    public SessionBuilder(string path, long capacity = 64 << 20)
    {
        Path = path;
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.CreateNew, null, capacity);
        _view = _file.CreateViewAccessor();
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Start = start;
        Set32(8, WireFormat.Version);
        Set32(12, HeaderBytes);
        Set32(16, ExtentBytes);
        Set32(20, SlabBytes);
        Set32(24, 4_000_000); // pid: above the system's highest, so nobody has it
        Set32(28, 1);
        Set64(32, 1);
        Set64(1024, Namespaces.OwnPid); // where that number counts
        Set64(1032, Namespaces.OwnTime);
        Set64(40, 1_700_000_000_000_000_000);
        Set64(48, StartedNs);
        Set32(168, 1); // one Python
        Set32(184 + 28, 1); // its stacks are on
        Set32(96, 1); // recording
        Set64(576, 0xFFFFF); // nobody wrote yet
        Set32(524, 2); // nodes 0 and 1 are not stored
        AddExtent(3);
        AddString("");
        Set64(0, Magic);
    }

    /// <summary>CLOCK_MONOTONIC when the recording began.</summary>
    public static ulong StartedNs => 5_000_000_000;

    /// <summary>The largest size of the log of every event, in bytes; 0 for no log.</summary>
    public ulong EventsBytes
    {
        init => Set64(504, value);
    }

    /// <summary>True if C allocations were recorded.</summary>
    public bool HasNative
    {
        init => Set32(1040, value ? 1u : 0);
    }

    public string Path { get; }

    /// <summary>The file in memory.</summary>
    public byte* Start { get; }

    /// <summary>The clock of the next batch, mark or slab.</summary>
    public ulong NowNs { get; set; } = StartedNs;

    public void Set32(long offset, uint value) => Volatile.Write(ref *(uint*)(Start + offset), value);

    public void Set64(long offset, ulong value) => Volatile.Write(ref *(ulong*)(Start + offset), value);

    public uint Get32(long offset) => Volatile.Read(ref *(uint*)(Start + offset));

    public ulong Get64(long offset) => Volatile.Read(ref *(ulong*)(Start + offset));

    public uint AddString(string text) => AddString(Encoding.UTF8.GetBytes(text));

    public uint AddString(byte[] bytes)
    {
        var reference = Get32(532);
        if (reference % ExtentBytes + 4 + 65528 > ExtentBytes)
            reference = (reference / ExtentBytes + 1) * ExtentBytes;

        while (Count(5) <= reference / ExtentBytes)
            AddExtent(5);

        var at = OffsetOf(5, reference, 1);
        Set32(at, (uint)bytes.Length);
        bytes.CopyTo(new Span<byte>(Start + at + 4, bytes.Length));
        Set32(532, reference + 4 + (uint)((bytes.Length + 3) & ~3));
        return reference;
    }

    public uint AddCode(string filename, string name, string? qualname = null, uint firstLine = 1)
    {
        var code = Get32(528);
        while (Count(4) * (ExtentBytes / 16) <= code)
            AddExtent(4);

        var at = OffsetOf(4, code, 16);
        Set32(at, AddString(filename));
        Set32(at + 4, AddString(name));
        Set32(at + 8, AddString(qualname ?? name));
        Set32(at + 12, firstLine);
        Set32(528, code + 1);
        return code;
    }

    public uint AddNode(uint parent, uint code, uint line)
    {
        var node = Get32(524);
        while (Count(3) * (ExtentBytes / 16) <= node)
            AddExtent(3);

        var at = OffsetOf(3, node, 16);
        Set32(at, parent);
        Set32(at + 4, code);
        Set32(at + 8, line);
        Set32(at + 12, 2 * line);
        Set32(524, node + 1);
        return node;
    }

    /// <summary>Adds a chain of stacks, each the caller of the next one, in one function.</summary>
    /// <returns>The nodes, outermost first.</returns>
    public uint[] AddStacks(int count)
    {
        var code = AddCode("program.py", "work");
        var nodes = new uint[count];
        for (var i = 0; i < count; i++)
            nodes[i] = AddNode(i == 0 ? 0 : nodes[i - 1], code, (uint)i + 1);

        return nodes;
    }

    public BuiltThread AddThread(string name = "python3")
    {
        var slot = (uint)_threads.Count;
        while (Count(1) * (ExtentBytes / 128) <= slot)
            AddExtent(1);

        var at = OffsetOf(1, slot, 128);
        Set32(at + 24, FirstOsId + slot);
        Set64(at + 32, NowNs);
        Encoding.UTF8.GetBytes(name).CopyTo(new Span<byte>(Start + at + 48, 16));
        var thread = new BuiltThread(this, slot, at);
        _threads.Add(thread);
        Set32(at + 16, 1);
        Set32(516, slot + 1);
        return thread;
    }

    /// <summary>Ends the process, which runs its exit handlers.</summary>
    public void End()
    {
        Set64(56, NowNs);
        Set32(96, 3);
    }

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    /// <summary>Returns the offset of a slab in the file.</summary>
    public long SlabOffset(uint slab) => OffsetOf(2, slab, SlabBytes);

    /// <summary>Returns a released slab, or a new one.</summary>
    public uint TakeSlab()
    {
        var head = Get64(640);
        if ((uint)head != 0)
        {
            var top = (uint)head - 1;
            Set64(640, ((head >> 32) + 1) << 32 | Get32(SlabOffset(top) + 16));
            return top;
        }

        var slab = Get32(520);
        while (Count(2) * (ExtentBytes / SlabBytes) <= slab)
            AddExtent(2);

        Set32(520, slab + 1);
        return slab;
    }

    /// <summary>Makes a thread the last writer.</summary>
    /// <returns>The new ticket; <see langword="null"/> if the thread was the last writer already.</returns>
    public ulong? TakeTicket(uint slot)
    {
        if (_lastWriter == slot)
            return null;

        _lastWriter = (int)slot;
        Set64(576, ++_ticket << 20 | slot);
        return _ticket;
    }

    public static int RoomAtEnd => MaxRecordBytes;

    private int Count(byte kind) => _extents.TryGetValue(kind, out var extents) ? extents.Count : 0;

    private long OffsetOf(byte kind, uint index, int elementBytes)
    {
        var perExtent = (uint)(ExtentBytes / elementBytes);
        return HeaderBytes + (long)_extents[kind][(int)(index / perExtent)] * ExtentBytes + index % perExtent * elementBytes;
    }

    /// <summary>Adds an extent of a kind, zeroed.</summary>
    public void AddExtent(byte kind)
    {
        var number = (int)Get32(512);
        if (!_extents.TryGetValue(kind, out var extents))
            _extents[kind] = extents = [];

        extents.Add(number);
        Start[KindsOffset + number] = kind;
        Set32(512, (uint)number + 1);
    }
}
