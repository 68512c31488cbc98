using System.Text.RegularExpressions;

using AllocTrace.Stacks;
using AllocTrace.Symbols;

namespace AllocTrace.Storage;

/// <summary>
/// Leaves out the C frames by which CPython itself gets from a Python frame to what is called: the interpreter's loop, calls of callables, its own
/// allocator functions, and how a program or thread starts. What remains of the interpreter are functions that say what it was asked for.
/// </summary>
internal static partial class InterpreterFrames
{
    /// <summary>Makes the stacks that end in such a frame stand for their callers.</summary>
    public static void Fold(StackTable stacks)
    {
        var isLeftOut = LeftOut(stacks.Codes);
        var folded = new int[stacks.Count];
        var known = new Dictionary<(int Caller, int Code, int Line), int>(); // frames that are the same once what is between them is left out
        for (var stack = 1; stack < folded.Length; stack++)
        {
            var caller = folded[stacks.Caller[stack]];
            var (code, line) = (stacks.Code[stack], stacks.Line[stack]);
            if (isLeftOut[code])
            {
                folded[stack] = caller;
                continue;
            }

            folded[stack] = stack;
            stacks.Set(stack, caller, code, line);
            if (!known.TryAdd((caller, code, line), stack))
                folded[stack] = known[(caller, code, line)];
        }

        stacks.Folded = folded;
    }

    private static bool[] LeftOut(CodeTable codes)
    {
        var leftOut = new bool[codes.Count];
        for (var code = 0; code < leftOut.Length; code++)
            leftOut[code] = codes.NativeOf(code) is { } origin && IsLeftOut(origin, codes.Text(codes[code].Function));

        return leftOut;
    }

    /// <summary>Returns whether a frame is left out.</summary>
    public static bool IsLeftOut(StackFrame frame)
    {
        if (!frame.IsNative)
            return false;

        var image = frame.Filename == FunctionName.NoFile ? "" : frame.Filename;
        var unnamed = FunctionName.Unnamed(frame.Filename, 0)[..^1]; // what it is called without a symbol begins so
        return IsLeftOut(new NativeOrigin(image, "", 0, !frame.Function.StartsWith(unnamed, StringComparison.Ordinal)), frame.Function);
    }

    /// <summary>Returns whether a function is left out.</summary>
    public static bool IsLeftOut(NativeOrigin origin, string name)
    {
        var file = origin.Image[(origin.Image.LastIndexOf('/') + 1)..];
        if (file.StartsWith("liballoctrace", StringComparison.Ordinal) || Starts().IsMatch(name) || (origin.Image == "" && name.StartsWith("py::", StringComparison.Ordinal)))
            return true;

        return PythonFiles().IsMatch(file) && (!origin.IsNamed || Glue().IsMatch(name));
    }

    [GeneratedRegex(@"^(lib)?python\d")]
    private static partial Regex PythonFiles();

    // Without symbols there is nothing that a frame of the interpreter could say.
    [GeneratedRegex(
        @"^_?PyEval_|^_?PyEval|^_TAIL_CALL_|^_?PyObject_(Call|FastCall|Vectorcall|MakeTpCall|Malloc|Calloc|Realloc|GC_)|^_?PyMem_|[vV]ectorcall|^_?PyFunction_|^_?PyCFunction|^cfunction_|^_?PyMethodDef_|^"
        + @"_?PyVectorcall|^object_vacall|^_?PyStack_|^call_|^do_call|^function_code_fastcall|^type_call|^slot_(tp|nb|mp|sq)_|^wrap_|^wrapperdescr_|^partial_|^method_|^gen_(send|iternext)|^gc_alloc|^_?PyType_(GenericAlloc|AllocNoTrack)|^"
        + @"(Py_(BytesMain|Main|RunMain)|pymain_.*|_?PyRun_.*|run_(mod|eval_code_obj)|_?PyImport_.*|import_.*|exec_code_in_module|thread_run|thread_PyThread_start_new_thread|t_bootstrap|pythread_wrapper|main|_start|builtin___build_class__|builtin_exec.*|builtin___import__)$")]
    private static partial Regex Glue();

    [GeneratedRegex(@"^(_start|main|__libc_start_main.*|__libc_start_call_main|start_thread|clone3?|__clone3?)$")]
    private static partial Regex Starts();
}
