using System.Buffers.Binary;

namespace AllocTrace.Fuzz;

/// <summary>Makes inputs from others.</summary>
/// <param name="random">The random numbers: equal numbers make equal inputs.</param>
internal sealed class Mutator(Random random)
{
    private const int MostPatches = 12;

    private static readonly ulong[] _edges =
        [0, 1, 2, 7, 8, 15, 16, 63, 64, 127, 128, 255, 256, 4095, 4096, 65535, 65536, 262144, int.MaxValue, 0x8000_0000, uint.MaxValue, long.MaxValue, 1UL << 63, ulong.MaxValue, ulong.MaxValue - 7];

    /// <param name="input">The input to change.</param>
    /// <param name="seed">The sound file of the input.</param>
    /// <param name="places">The ranges that are worth changing.</param>
    public Input Mutate(Input input, byte[] seed, (int From, int To)[] places)
    {
        var patches = input.Patches.ToList();
        if (patches.Count > 0 && random.Next(4) == 0)
            patches.RemoveAt(random.Next(patches.Count));

        for (var more = random.Next(1, 4); more > 0 && patches.Count < MostPatches; more--)
            patches.Add(Patch(seed, places));

        var length = random.Next(200) == 0 ? random.Next(seed.Length + 1) : random.Next(20) == 0 ? seed.Length : input.Length;
        return new Input(input.Seed, length, [.. patches]);
    }

    private (int At, byte[] Bytes) Patch(byte[] seed, (int From, int To)[] places)
    {
        var (from, to) = places[random.Next(places.Length)];
        if (random.Next(3) == 0)
            to = Math.Min(to, from + 256); // beginnings are denser

        var at = random.Next(from, to);
        var width = 1 << random.Next(4);
        at -= random.Next(8) == 0 ? 0 : at % width; // most numbers are aligned
        width = Math.Min(width, seed.Length - at);
        var bytes = seed.AsSpan(at, width).ToArray();
        Span<byte> value = stackalloc byte[8];
        value.Clear();
        bytes.CopyTo(value);
        var number = BinaryPrimitives.ReadUInt64LittleEndian(value);
        number = random.Next(6) switch
        {
            0 => number ^ (1UL << random.Next(8 * width)),
            1 => _edges[random.Next(_edges.Length)],
            2 => number + (ulong)random.Next(-16, 17),
            3 => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
            4 => number * (ulong)random.Next(2, 9),
            _ => Elsewhere(seed, width, places),
        };
        BinaryPrimitives.WriteUInt64LittleEndian(value, number);
        return (at, value[..width].ToArray());
    }

    /// <summary>Returns a number from elsewhere in the seed, which means something.</summary>
    private ulong Elsewhere(byte[] seed, int width, (int From, int To)[] places)
    {
        var (from, to) = places[random.Next(places.Length)];
        var at = random.Next(from, to) & ~7;
        return at + 8 <= seed.Length ? BinaryPrimitives.ReadUInt64LittleEndian(seed.AsSpan(at)) : (ulong)width;
    }
}
