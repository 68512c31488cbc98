using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace AllocTrace.Fuzz;

/// <summary>Counts the branches of the instrumented library that were taken, in rough numbers, and finds new ones.</summary>
internal sealed unsafe class Coverage
{
    private const int MapBytes = 1 << 16;

    private readonly byte* _taken = (byte*)NativeMemory.AllocZeroed(MapBytes);
    private readonly byte[] _seen = new byte[MapBytes];

    public Coverage() => Trace.SharedMem = _taken;

    /// <summary>The number of pairs of a branch and a rough count that have been seen.</summary>
    public int Count { get; private set; }

    public void Begin()
    {
        new Span<byte>(_taken, MapBytes).Clear();
        Trace.PrevLocation = 0;
    }

    /// <returns>True if this run took a branch for the first time, or for a new rough count.</returns>
    public bool End()
    {
        var isNew = false;
        for (var at = 0; at < MapBytes; at += 8)
        {
            if (*(ulong*)(_taken + at) == 0)
                continue;

            for (var i = at; i < at + 8; i++)
            {
                var class_ = Class(_taken[i]);
                if ((_seen[i] & class_) == class_)
                    continue;

                _seen[i] |= class_;
                Count++;
                isNew = true;
            }
        }

        return isNew;
    }

    /// <summary>Classifies a count: 1, 2, 3, 4–7, 8–15 …, because a loop that runs once more is nothing new.</summary>
    private static byte Class(byte times) => times switch
    {
        0 => 0,
        1 => 1,
        2 => 2,
        3 => 4,
        < 8 => 8,
        < 16 => 16,
        < 32 => 32,
        < 128 => 64,
        _ => 128,
    };
}
