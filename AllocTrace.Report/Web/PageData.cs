using System.Text.Json;
using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Web;

/// <summary>Everything that the page of a recording, or of two that are compared, shows: see Web/page/src/payload.js, which reads it.</summary>
internal sealed class PageData
{
    private readonly ColumnFile _columns = new();
    private readonly SharedStacks _stacks = new();
    private readonly TextTable _texts = new();
    private readonly IReadOnlyList<PageRecording> _recordings;

    /// <param name="recordings">The recording; or the new and the old one.</param>
    public PageData(params IReadOnlyList<PageRecording> recordings)
    {
        _recordings = recordings;
        StackTable? first = null;
        for (var i = 0; i < recordings.Count; i++)
        {
            var stacks = recordings[i].Database.Stacks;
            recordings[i].AddTo(_columns, $"{i}.", _stacks.Add(stacks, first));
            first ??= stacks;
        }

        AddStacks();
    }

    /// <summary>The data as text that can stand in a page.</summary>
    public string ToBase64() => _columns.ToBase64(json =>
    {
        json.WriteNumber("version", 2);
        json.WriteStartArray("texts");
        foreach (var text in _texts.Texts)
            json.WriteStringValue(text);

        json.WriteEndArray();
        json.WriteStartArray("recordings");
        foreach (var recording in _recordings)
            recording.WriteTo(json);

        json.WriteEndArray();
    });

    private void AddStacks()
    {
        var source = SourceFiles.Of(_recordings[0].Database.Processes);
        int[] caller = [.. _stacks.Caller], frame = [.. _stacks.FrameOfStack];
        Frame[] frames = [.. _stacks.Frames];
        _columns.Add("caller", caller);
        _columns.Add("frame", frame);
        _columns.Add("frame.file", Array.ConvertAll(frames, each => _texts.Number(each.Filename)));
        _columns.Add("frame.line", Array.ConvertAll(frames, each => each.LineNumber));
        _columns.Add("frame.origin", Array.ConvertAll(frames, each => (int)(each.IsNative ? CodeOrigin.Native : CodeOrigins.Of(each.Filename))));
        _columns.Add("frame.function", Array.ConvertAll(frames, each => _texts.Number(each.Function)));
        var marks = new FrameMarks(_recordings[0].Database, frames, source);
        _columns.Add("frame.markStart", marks.Start);
        _columns.Add("frame.markEnd", marks.End);
        _columns.Add("frame.source", Array.ConvertAll(frames, each => _texts.Number(source.Find(each.Filename, each.LineNumber) ?? "")));
    }
}
