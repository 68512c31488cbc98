using AllocTrace.Report.Export.Otlp;
using AllocTrace.Storage;

namespace AllocTrace.Report.Agent;

/// <summary>The stacks of followed processes.</summary>
internal sealed class FollowedFrames(FrameTrie frames) : IFrameSource
{
    public int CallerOf(int stack) => frames[stack].Caller;

    public int LineOf(int stack) => frames[stack].Line;

    public int CodeOf(int stack) => frames[stack].Code;

    public (string Filename, string Function, int FirstLine) Describe(int code)
    {
        var its = frames.Code(code);
        return (its.Filename, its.Qualname, (int)its.FirstLine);
    }
}
