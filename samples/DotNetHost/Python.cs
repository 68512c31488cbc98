using System.Runtime.InteropServices;

namespace DotNetHost;

/// <summary>The least that is needed to embed CPython: what pythonnet and CSnakes do, in twenty lines.</summary>
internal sealed unsafe class Python
{
    private readonly delegate* unmanaged<byte*, int> _run;

    /// <summary>Loads libpython and initializes it.</summary>
    /// <param name="library">Its file.</param>
    public Python(string library)
    {
        var handle = NativeLibrary.Load(library);
        ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(handle, "Py_InitializeEx"))(0);
        _run = (delegate* unmanaged<byte*, int>)NativeLibrary.GetExport(handle, "PyRun_SimpleString");
    }

    /// <summary>Runs a few lines in <c>__main__</c>. For the thread that made this object: it has the GIL.</summary>
    public void Run(string code)
    {
        fixed (byte* bytes = System.Text.Encoding.UTF8.GetBytes(code + '\0'))
        {
            if (_run(bytes) != 0)
                throw new InvalidOperationException("the Python code raised an exception");
        }
    }
}
