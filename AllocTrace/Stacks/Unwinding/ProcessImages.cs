using System.Diagnostics;

using AllocTrace.Symbols;

namespace AllocTrace.Stacks;

/// <summary>The code of a process: how its functions are left, and how they are called. Valid for as long as nothing is unloaded.</summary>
internal sealed class ProcessImages(ProcessMemory memory, SymbolFiles symbols, PerfMap perfMap)
{
    // The code of CPython's trampolines of -X perf after their call (Python/asm_trampoline.S): from 3.12 on they only align the stack, from 3.13
    // on they have a frame pointer.
    private static readonly byte[] _returnsAfterAdjusting = [0x48, 0x83, 0xc4, 0x08, 0xc3], _returnsAfterPopping = [0x5d, 0xc3];

    private readonly ProcessMapping[] _mappings = ProcessMapping.Of(memory.Pid);
    private readonly CodePages _pages = new(memory);
    private readonly Dictionary<ulong, MappedImage?> _images = [];
    private readonly Dictionary<ulong, CodePlace> _places = [];

    /// <summary>Returns how a frame is left.</summary>
    /// <param name="pc">Its instruction, or a byte of it.</param>
    /// <param name="returnsTo">The address to which its callee returns; the same if it was interrupted.</param>
    /// <exception cref="DamagedTableException">Nothing says it.</exception>
    public CodePlace At(ulong pc, ulong returnsTo)
    {
        if (!_places.TryGetValue(pc, out var place))
            _places.Add(pc, place = Look(pc, returnsTo));
        return place;
    }

    /// <summary>The mapping that a stack is in; the main thread's may begin above a stack pointer, because it grows when it is used.</summary>
    public ProcessMapping? StackAt(ulong sp)
    {
        const ulong grows = 1 << 20; // the kernel maps nothing else into the mebibyte below it (stack_guard_gap)
        if (ProcessMapping.Find(_mappings, sp) is var place and >= 0)
            return _mappings[place];

        var main = Array.FindIndex(_mappings, mapping => mapping.Path == "[stack]");
        return main >= 0 && _mappings[main].Begin - sp < grows ? _mappings[main] : null;
    }

    private CodePlace Look(ulong pc, ulong returnsTo)
    {
        memory.Budget.Spend(0);
        var number = ProcessMapping.Find(_mappings, pc);
        if (number < 0 || !_mappings[number].IsCode)
            return new CodePlace { Frame = Nowhere(pc) };

        var mapping = _mappings[number];
        if (ImageOf(number) is { } image)
            return OfImage(mapping, image, pc);

        var function = perfMap.Find(pc);
        var frame = new StackFrame(FunctionName.NoFile, 0, function.Name ?? $"0x{function.Start:x}") { IsNative = true };
        return new CodePlace { Frame = frame, Row = RowOfMadeCode(returnsTo) };
    }

    private CodePlace OfImage(ProcessMapping mapping, MappedImage image, ulong pc)
    {
        const string gone = " (deleted)";
        var path = mapping.Path.EndsWith(gone, StringComparison.Ordinal) ? mapping.Path[..^gone.Length] : mapping.Path;
        var offset = pc - mapping.Begin + mapping.Offset;
        var started = Stopwatch.GetTimestamp();
        var function = path.StartsWith('/') ? symbols.Find($"/proc/{memory.Pid}/root{path}", image.BuildId, offset) : null;
        memory.Budget.Extend(Stopwatch.GetElapsedTime(started));
        var entry = EntryAt(image, pc);
        var unnamed = entry is null ? offset : entry.Begin - mapping.Begin + mapping.Offset; // where there is no file any more
        return new CodePlace
        {
            Frame = new StackFrame(path, 0, (function ?? new FunctionName(unnamed, null)).NameIn(path)) { IsNative = true },
            Begin = entry?.Begin ?? 0,
            IsSignal = entry is { IsSignal: true },
            Row = entry is null ? null : RowOf(entry, pc),
        };
    }

    private UnwindEntry? EntryAt(MappedImage image, ulong pc)
    {
        try
        {
            return image.Index == 0 ? null : new UnwindTable(_pages).Find(image.Index, pc);
        }
        catch (DamagedTableException)
        {
            return null;
        }
    }

    private static FrameRow? RowOf(UnwindEntry entry, ulong pc)
    {
        try
        {
            return FrameProgram.RowAt(entry, pc);
        }
        catch (DamagedTableException)
        {
            return null;
        }
    }

    /// <summary>Compilers that run in a process keep frame pointers: CoreCLR, V8, HotSpot with the option for profilers.</summary>
    private FrameRow RowOfMadeCode(ulong returnsTo)
    {
        var code = new byte[_returnsAfterAdjusting.Length];
        if (memory.TryRead(returnsTo, code) && code.AsSpan().StartsWith(_returnsAfterAdjusting))
            return FrameRow.Simple(Registers.StackPointer, 16, savesFramePointer: false);

        return FrameRow.Simple(code.AsSpan().StartsWith(_returnsAfterPopping) ? Registers.StackPointer : Registers.FramePointer, 16, savesFramePointer: true);
    }

    /// <summary>The image that a mapping is of: its file's first byte is mapped before it.</summary>
    private MappedImage? ImageOf(int number)
    {
        var mapping = _mappings[number];
        if (mapping.Path == "" || (mapping.Path[0] == '[' && mapping.Path != "[vdso]"))
            return null;

        var head = number;
        while (head > 0 && _mappings[head].Offset != 0 && _mappings[head - 1].Path == mapping.Path)
            head--;

        var address = _mappings[head].Begin;
        if (!_images.TryGetValue(address, out var image))
            _images.Add(address, image = MappedImage.At(_pages, address));
        return image;
    }

    private static StackFrame Nowhere(ulong pc) => new(FunctionName.NoFile, 0, $"0x{pc:x}") { IsNative = true };
}
