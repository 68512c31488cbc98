using AllocTrace.Symbols;
using AllocTrace.Wire;

namespace AllocTrace.Storage;

/// <summary>Names the C functions of a session's frames, as rows of <c>code</c>.</summary>
internal sealed unsafe class NativeCodes
{
    private readonly SessionFile _session;
    private readonly Func<CodeKey, NativeOrigin, long> _add;
    private readonly (string Path, string BuildId)[] _images;
    private readonly Dictionary<(uint Image, ulong Offset), long> _codes = [];
    private PerfMap? _perfMap;

    /// <param name="session">The session of the frames.</param>
    /// <param name="add">Writes a code and what makes it native, unless it is there, and returns its number.</param>
    /// <exception cref="InvalidTraceException">An image's strings are damaged.</exception>
    public NativeCodes(SessionFile session, Func<CodeKey, NativeOrigin, long> add)
    {
        _session = session;
        _add = add;
        _images = new (string, string)[session.ImageCount];
        for (uint image = 0; image < _images.Length; image++)
            _images[image] = (session.String(session.Image(image)->Path), Convert.ToHexStringLower(session.StringBytes(session.Image(image)->BuildId)));
    }

    /// <summary>The code of a frame, which is no element of a list of segments.</summary>
    /// <exception cref="InvalidTraceException">Its image does not exist.</exception>
    public long Of(CFrame frame)
    {
        if (_codes.TryGetValue((frame.Image, frame.Offset), out var code))
            return code;

        code = frame.Image == WireFormat.NoImage ? WithoutImage(frame.Offset)
            : frame.Image < _images.Length ? OfImage(_images[frame.Image], frame.Offset)
            : throw _session.Damaged($"a C frame is of image {frame.Image}");
        _codes.Add((frame.Image, frame.Offset), code);
        return code;
    }

    // A return address may be the first byte of the next function: the call is before it.
    private long OfImage((string Path, string BuildId) image, ulong offset)
    {
        var function = SymbolFiles.OfSystem.Find(image.Path, image.BuildId, offset - 1) ?? new FunctionName(offset - 1, null);
        var name = function.NameIn(image.Path);
        return _add(new CodeKey(image.Path, name, 0, name), new NativeOrigin(image.Path, image.BuildId, function.Start, function.Name is not null));
    }

    private long WithoutImage(ulong address)
    {
        _perfMap ??= PerfMap.Of(_session.Header->Pid);
        var function = _perfMap.Find(address - 1);
        var name = function.Name ?? $"0x{function.Start:x}";
        return _add(new CodeKey(FunctionName.NoFile, name, 0, name), new NativeOrigin("", "", function.Start, function.Name is not null));
    }
}
