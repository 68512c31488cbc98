using System.Runtime.InteropServices;

namespace AllocTrace.Journal;

/// <summary>Writes and reads arrays of plain structures as they are in memory, because a checkpoint never leaves its machine.</summary>
internal static class StateIO
{
    private const int MostAtOnce = 1 << 20;

    public static void WriteAll<T>(this BinaryWriter writer, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        writer.Write(values.Length);
        writer.Write(MemoryMarshal.AsBytes(values));
    }

    /// <exception cref="EndOfStreamException">The file is too short for what it announces.</exception>
    public static T[] ReadAll<T>(this BinaryReader reader)
        where T : unmanaged
    {
        var count = reader.ReadCount(least: 1);
        var values = new List<T>(Math.Min(count, MostAtOnce));
        for (var at = 0; at < count;)
        {
            var some = new T[Math.Min(count - at, MostAtOnce)];
            reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(some.AsSpan()));
            values.AddRange(some);
            at += some.Length;
        }

        return [.. values];
    }

    /// <summary>Reads a count of items of at least this many bytes each.</summary>
    /// <exception cref="EndOfStreamException">The file is too short for it.</exception>
    public static int ReadCount(this BinaryReader reader, int least)
    {
        var count = reader.ReadInt32();
        return count >= 0 && (long)count * least <= reader.BaseStream.Length ? count : throw new EndOfStreamException();
    }
}
