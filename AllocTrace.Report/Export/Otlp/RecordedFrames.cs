using AllocTrace.Storage;

namespace AllocTrace.Report.Export.Otlp;

/// <summary>The stacks of a recording.</summary>
internal sealed class RecordedFrames(StackTable stacks) : IFrameSource
{
    public int CallerOf(int stack) => stacks.Caller[stack];

    public int LineOf(int stack) => stacks.Line[stack];

    public int CodeOf(int stack) => stacks.Code[stack];

    public (string Filename, string Function, int FirstLine) Describe(int code)
    {
        var entry = stacks.Codes[code];
        return (stacks.Codes.Text(entry.Filename), stacks.Codes.Text(entry.Function), entry.FirstLine);
    }
}
