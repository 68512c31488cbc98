using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AllocTrace.Objects;

/// <summary>
/// An array of numbers outside of the managed heap, zeroed at first. An analysis of ten million blocks needs a gigabyte of them: it gives them back when it has
/// ended, not when the runtime next collects its oldest generation. Pages that nobody writes take no memory.
/// </summary>
/// <remarks>A column that nobody refers to gives its memory back: whoever uses a span keeps the column.</remarks>
internal sealed unsafe class Column<T> : IDisposable
    where T : unmanaged
{
    private T* _start;

    public Column(int length)
    {
        _start = (T*)NativeMemory.AllocZeroed((nuint)length, (nuint)sizeof(T));
        Length = length;
    }

    ~Column() => NativeMemory.Free(_start);

    /// <summary>The number of elements; 0 when it was disposed of.</summary>
    public int Length { get; private set; }

    /// <summary>All elements. Not valid after <see cref="Resize"/> or <see cref="Dispose"/>.</summary>
    public Span<T> Span => new(_start, Length);

    public ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((uint)index >= (uint)Length)
                Refuse();

            return ref _start[index];
        }
    }

    /// <summary>Changes the number of elements. New ones have any value. The system moves the pages of a large column rather than copy them.</summary>
    public void Resize(int length)
    {
        _start = (T*)NativeMemory.Realloc(_start, (nuint)length * (nuint)sizeof(T));
        Length = length;
    }

    /// <summary>Gives the memory back. Idempotent.</summary>
    public void Dispose()
    {
        NativeMemory.Free(_start);
        _start = null;
        Length = 0;
        GC.SuppressFinalize(this);
    }

    [DoesNotReturn]
    private static void Refuse() => throw new IndexOutOfRangeException();
}
