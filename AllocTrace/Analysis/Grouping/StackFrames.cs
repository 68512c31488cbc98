using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The frames of the stacks in a trie.</summary>
internal static class StackFrames
{
    extension(StackTable stacks)
    {
        /// <summary>The newest frame of a stack that has one.</summary>
        public Frame FrameOf(int stack)
        {
            var code = stacks.Codes[stacks.Code[stack]];
            return new Frame(stacks.Codes.Text(code.Filename), stacks.Line[stack], stacks.Codes.Text(code.Function)) { IsNative = code.IsNative };
        }

        /// <summary>
        /// Returns for each stack the one whose newest frame stands for it where frames are lines, files and functions: a C frame's memory belongs to the Python
        /// frame that called it, directly or not. A stack without a Python frame stands for itself. <see langword="null"/>: every stack does.
        /// </summary>
        public int[]? Attributed()
        {
            if (!stacks.Codes.HasNative)
                return null;

            var attributed = new int[stacks.Count];
            var hasPython = new bool[stacks.Count];
            for (var stack = 1; stack < attributed.Length; stack++)
            {
                var caller = stacks.Caller[stack];
                var isNative = stacks.Codes[stacks.Code[stack]].IsNative;
                hasPython[stack] = !isNative || hasPython[caller];
                attributed[stack] = isNative && hasPython[caller] ? attributed[caller] : stack;
            }

            return attributed;
        }

        /// <summary>Returns the number of frames that a stack has.</summary>
        public int DepthOf(int stack)
        {
            var depth = 0;
            for (; stack != 0; stack = stacks.Caller[stack])
                depth++;

            return depth;
        }

        /// <summary>All frames of a stack, oldest first.</summary>
        public Traceback TracebackOf(int stack)
        {
            if (stack == 0)
                return Traceback.Empty;

            var frames = new Frame[stacks.DepthOf(stack)];
            for (var i = frames.Length - 1; i >= 0; i--, stack = stacks.Caller[stack])
                frames[i] = stacks.FrameOf(stack);

            return new Traceback(frames);
        }

        /// <summary>Compares two stacks as <see cref="Traceback.CompareTo"/> compares their tracebacks, without making them.</summary>
        public int Compare(int a, int b)
        {
            int depthOfA = stacks.DepthOf(a), depthOfB = stacks.DepthOf(b);
            for (var depth = depthOfA; depth > depthOfB; depth--)
                a = stacks.Caller[a];
            for (var depth = depthOfB; depth > depthOfA; depth--)
                b = stacks.Caller[b];

            // Towards the root, the last difference found is the oldest, which decides. Where the callers are the same stack, no more
            // differences can follow.
            var order = depthOfA.CompareTo(depthOfB);
            for (; a != b; a = stacks.Caller[a], b = stacks.Caller[b])
            {
                if (stacks.FrameOf(a).CompareTo(stacks.FrameOf(b)) is var difference and not 0)
                    order = difference;
            }

            return order;
        }
    }
}
