using AllocTrace.Storage;

namespace AllocTrace.Tests;

/// <summary>Tests which C frames are CPython's own, and the stacks without them.</summary>
[TestClass]
public sealed class InterpreterFramesTests
{
    [TestMethod]
    [DataRow("/usr/bin/python3.11", "_PyEval_EvalFrameDefault", true)]
    [DataRow("/usr/lib/libpython3.12.so.1.0", "_PyEval_EvalFrameDefault.cold", true)]
    [DataRow("/usr/lib/libpython3.15.so.1.0", "_TAIL_CALL_CALL", true)]
    [DataRow("/usr/bin/python3.11", "_PyObject_FastCallDictTstate", true)]
    [DataRow("/usr/bin/python3.11", "method_vectorcall_NOARGS", true)]
    [DataRow("/usr/bin/python3.11", "PyObject_Malloc", true)]
    [DataRow("/usr/bin/python3.11", "main", true)]
    [DataRow("/lib/libc.so.6", "__libc_start_main_impl", true)]
    [DataRow("/lib/liballoctrace-native.so", "posix_memalign", true)]
    [DataRow("/usr/bin/python3.11", "list_sort", false)]
    [DataRow("/usr/bin/python3.11", "PyUnicode_New", false)]
    [DataRow("/usr/bin/python3.11", "marshal_loads", false)]
    [DataRow("/usr/lib/libxml2.so.2", "xmlNewDoc", false)]
    [DataRow("/app/plugin.so", "call_everything", false)]
    [DataRow("/app/python_plugin.so", "_PyObject_FastCall", false)]
    public void Frames_of_the_interpreter(string image, string function, bool isLeftOut) =>
        Assert.AreEqual(isLeftOut, InterpreterFrames.IsLeftOut(new NativeOrigin(image, "", 0, IsNamed: true), function));

    [TestMethod]
    public void Without_a_name_a_frame_of_the_interpreter_says_nothing()
    {
        Assert.IsTrue(InterpreterFrames.IsLeftOut(new NativeOrigin("/usr/bin/python3.11", "", 16, IsNamed: false), "python3.11+0x10"));
        Assert.IsFalse(InterpreterFrames.IsLeftOut(new NativeOrigin("/usr/lib/libssl.so.3", "", 16, IsNamed: false), "libssl.so.3+0x10"));
    }

    [TestMethod]
    public void Stacks_that_differ_only_in_interpreter_frames_become_one()
    {
        var codes = new CodeTable();
        codes.Add(1, "/app.py", "f", 1);
        codes.Add(2, "/usr/bin/python3.11", "_PyEval_Vector", 0, new NativeOrigin("/usr/bin/python3.11", "", 1, IsNamed: true));
        codes.Add(3, "/usr/bin/python3.11", "object_vacall", 0, new NativeOrigin("/usr/bin/python3.11", "", 2, IsNamed: true));
        codes.Add(4, "/lib/libm.so", "work", 0, new NativeOrigin("/lib/libm.so", "", 3, IsNamed: true));
        var stacks = new StackTable(6, codes);
        foreach (var (stack, caller, code) in (ReadOnlySpan<(int, int, int)>)[(1, 0, 1), (2, 1, 2), (3, 1, 3), (4, 2, 4), (5, 3, 4)])
            stacks.Set(stack, caller, code, 0);

        InterpreterFrames.Fold(stacks);
        Assert.AreEqual("0 1 1 1 4 4", string.Join(' ', Enumerable.Range(0, 6).Select(stack => stacks.IndexOf(stack))));
        Assert.AreEqual(1, stacks.Caller[4]);
    }
}
