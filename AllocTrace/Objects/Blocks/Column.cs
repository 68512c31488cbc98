using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Objects;

/// <summary>
/// An array of numbers in a mapping of its own, zeroed at first. An analysis of ten million blocks needs a gigabyte of them: it gives them back to the system when
/// it has ended, not when the runtime next collects its oldest generation or the C library finds its heap empty. Pages that nobody touches take no memory.
/// </summary>
/// <remarks>A column that nobody refers to gives its memory back: whoever uses a span keeps the column.</remarks>
internal sealed unsafe class Column<T> : IDisposable
    where T : unmanaged
{
    private static readonly SafeFileHandle _noFile = new(-1, ownsHandle: false);

    private nint _start;

    /// <exception cref="OutOfMemoryException">The system does not give it.</exception>
    public Column(int length)
    {
        _start = Check(LibC.Map(0, BytesOf(length), LibC.ProtRead | LibC.ProtWrite, LibC.MapPrivate | LibC.MapAnonymous | LibC.MapNoReserve, _noFile, 0));
        Length = length;
    }

    ~Column() => Unmap();

    /// <summary>The number of elements; 0 when it was disposed of.</summary>
    public int Length { get; private set; }

    /// <summary>All elements. Not valid after <see cref="Resize"/> or <see cref="Dispose"/>.</summary>
    public Span<T> Span => new((T*)_start, Length);

    public ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((uint)index >= (uint)Length)
                Refuse();

            return ref ((T*)_start)[index];
        }
    }

    /// <summary>Changes the number of elements. Those that were never part of it are zero. The system moves the pages rather than copy them.</summary>
    /// <exception cref="OutOfMemoryException">The system does not give it.</exception>
    public void Resize(int length)
    {
        _start = Check(LibC.Remap(_start, BytesOf(Length), BytesOf(length), LibC.RemapMayMove));
        Length = length;
    }

    /// <summary>Gives the memory back. Idempotent.</summary>
    public void Dispose()
    {
        Unmap();
        GC.SuppressFinalize(this);
    }

    private void Unmap()
    {
        if (_start != 0)
            _ = LibC.Unmap(_start, BytesOf(Length));

        _start = 0;
        Length = 0;
    }

    /// <summary>Returns the bytes of a mapping, which has one at least.</summary>
    private static nuint BytesOf(int length) => checked((nuint)Math.Max((long)length * sizeof(T), 1));

    private static nint Check(nint mapping) => mapping != -1 ? mapping : throw new OutOfMemoryException();

    [DoesNotReturn]
    private static void Refuse() => throw new IndexOutOfRangeException();
}
