using AllocTrace.Wire;
using Google.Protobuf;

namespace AllocTrace.Report.Export.Otlp;

/// <summary>
/// The tables that all profiles of a request share: each text, function, location, stack and attribute is in them once. Entry 0 of each table is the zero
/// value, which the protocol demands.
/// </summary>
internal sealed class OtlpDictionary
{
    /// <summary>The kind of frame, by the semantic conventions for profiles.</summary>
    private const string FrameType = "profile.frame.type", Python = "cpython";

    private readonly IFrameSource _frames;
    private readonly Dictionary<string, int> _texts = [];
    private readonly Dictionary<(string Key, object Value), int> _attributes = [];
    private readonly Dictionary<int, int> _functions = [];
    private readonly Dictionary<(int Code, int Line), int> _locations = [];
    private readonly Dictionary<int, int> _stacks = [];
    private readonly Dictionary<SpanContext, int> _links = [];
    private readonly int _python;

    /// <param name="frames">The frames of the samples' stacks.</param>
    public OtlpDictionary(IFrameSource frames)
    {
        _frames = frames;
        _ = Text("");
        Tables.MappingTable.Add(new Mapping());
        Tables.LocationTable.Add(new Location());
        Tables.FunctionTable.Add(new Function());
        Tables.LinkTable.Add(new Link());
        Tables.AttributeTable.Add(new KeyValueAndUnit());
        Tables.StackTable.Add(new Stack());
        _python = Attribute(FrameType, Python);
    }

    /// <summary>The tables, as they are sent.</summary>
    public ProfilesDictionary Tables { get; } = new();

    /// <summary>Returns the index of a text.</summary>
    public int Text(string text)
    {
        if (!_texts.TryGetValue(text, out var index))
        {
            _texts.Add(text, index = _texts.Count);
            Tables.StringTable.Add(text);
        }

        return index;
    }

    /// <summary>Returns the index of an attribute whose value is a text or a number.</summary>
    public int Attribute(string key, object value)
    {
        if (!_attributes.TryGetValue((key, value), out var index))
        {
            _attributes.Add((key, value), index = Tables.AttributeTable.Count);
            Tables.AttributeTable.Add(new KeyValueAndUnit { KeyStrindex = Text(key), Value = OtlpValue.Of(value) });
        }

        return index;
    }

    /// <summary>Returns the index of a stack. The stack without a Python frame has a location of its own: readers drop samples without one.</summary>
    public int Stack(int stack)
    {
        if (_stacks.TryGetValue(stack, out var index))
            return index;

        _stacks.Add(stack, index = Tables.StackTable.Count);
        var entry = new Stack();
        for (var frame = stack; frame != 0; frame = _frames.CallerOf(frame))
            entry.LocationIndices.Add(LocationOf(_frames.CodeOf(frame), _frames.LineOf(frame)));

        if (stack == 0)
            entry.LocationIndices.Add(LocationOf(-1, 0));

        Tables.StackTable.Add(entry);
        return index;
    }

    /// <summary>Returns the index of the link to a span.</summary>
    public int Link(SpanContext span)
    {
        if (!_links.TryGetValue(span, out var index))
        {
            _links.Add(span, index = Tables.LinkTable.Count);
            Tables.LinkTable.Add(new Link { TraceId = ByteString.CopyFrom(span.TraceIdBytes), SpanId = ByteString.CopyFrom(span.SpanIdBytes) });
        }

        return index;
    }

    private int LocationOf(int code, int line)
    {
        if (!_locations.TryGetValue((code, line), out var index))
        {
            _locations.Add((code, line), index = Tables.LocationTable.Count);
            Tables.LocationTable.Add(new Location { Lines = { new Line { FunctionIndex = FunctionOf(code), Line_ = line } }, AttributeIndices = { _python } });
        }

        return index;
    }

    private int FunctionOf(int code)
    {
        if (!_functions.TryGetValue(code, out var index))
        {
            _functions.Add(code, index = Tables.FunctionTable.Count);
            var (filename, function, firstLine) = code < 0 ? ("", Render.Place.NoFrame, 0) : _frames.Describe(code);
            Tables.FunctionTable.Add(new Function { NameStrindex = Text(function == "" ? filename : function), FilenameStrindex = Text(filename), StartLine = firstLine });
        }

        return index;
    }
}
