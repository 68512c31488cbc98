using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Web;

/// <summary>Finds the part of each frame's source line that allocated the most, in all of the recording.</summary>
internal sealed class FrameMarks
{
    /// <param name="database">The recording that has the first stacks.</param>
    /// <param name="frames">The frames of the page.</param>
    /// <param name="source">Their files.</param>
    public FrameMarks(TraceDatabase database, Frame[] frames, SourceFiles source)
    {
        Start = new int[frames.Length];
        End = new int[frames.Length];
        var places = new Dictionary<(string, int), SourceMark?>();
        foreach (var statistic in Snapshot.Load(database, View.Total).Statistics(GroupBy.Lineno))
        {
            if (statistic is { Traceback.Newest: { } frame, Expression: not null })
                places.TryAdd((frame.Filename, frame.LineNumber), SourceMark.Find(source, frame, statistic.Expression));
        }

        for (var i = 0; i < frames.Length; i++)
        {
            if (places.GetValueOrDefault((frames[i].Filename, frames[i].LineNumber))?.Mark is { } mark)
                (Start[i], End[i]) = (mark.Start.Value, mark.End.Value);
        }
    }

    /// <summary>The first character, in the line without white space around it.</summary>
    public int[] Start { get; }

    /// <summary>The exclusive end of the marked characters; 0 if nothing is marked.</summary>
    public int[] End { get; }
}
