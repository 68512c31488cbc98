using System.Runtime.InteropServices;
using System.Text;

namespace AllocTrace.Platform;

/// <summary>A NULL-terminated array of C strings in native memory, as <c>argv</c> and <c>envp</c> are.</summary>
internal sealed unsafe class NativeStrings : IDisposable
{
    private readonly int _count;

    public NativeStrings(IReadOnlyList<byte[]> strings)
    {
        _count = strings.Count;
        Pointer = (byte**)NativeMemory.AllocZeroed((nuint)_count + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < _count; i++)
        {
            Pointer[i] = (byte*)NativeMemory.AllocZeroed((nuint)strings[i].Length + 1);
            strings[i].CopyTo(new Span<byte>(Pointer[i], strings[i].Length));
        }
    }

    ~NativeStrings() => Free();

    /// <summary>The array; valid until <see cref="Dispose"/>.</summary>
    public byte** Pointer { get; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        for (var i = 0; i < _count; i++)
            NativeMemory.Free(Pointer[i]);

        NativeMemory.Free(Pointer);
    }
}
