using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Web;

/// <summary>Which part of each frame's line of source allocated, or called what allocated: the expression with which a stack of it was first seen.</summary>
internal sealed class FrameMarks
{
    /// <param name="database">The recording that has the first stacks.</param>
    /// <param name="frameOfStack">The frame of each stack.</param>
    /// <param name="frames">The frames.</param>
    /// <param name="source">Their files.</param>
    public FrameMarks(TraceDatabase database, int[] frameOfStack, Frame[] frames, SourceFiles source)
    {
        Start = new int[frames.Length];
        End = new int[frames.Length];
        var expressions = database.ReadExpressions();
        for (var stack = 1; stack < expressions.Length; stack++)
        {
            var frame = frameOfStack[stack];
            if (expressions[stack] == 0 || End[frame] != 0)
                continue;

            var expression = Expression.Unpack(expressions[stack], frames[frame].LineNumber);
            if (SourceMark.Find(source, frames[frame], expression)?.Mark is { } mark)
                (Start[frame], End[frame]) = (mark.Start.Value, mark.End.Value);
        }
    }

    /// <summary>The first character, in the line without white space around it.</summary>
    public int[] Start { get; }

    /// <summary>The character behind the last; 0: nothing is marked.</summary>
    public int[] End { get; }
}
