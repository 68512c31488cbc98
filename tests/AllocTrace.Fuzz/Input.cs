namespace AllocTrace.Fuzz;

/// <summary>A file, as what differs from a sound one.</summary>
/// <param name="Seed">Which one.</param>
/// <param name="Length">How long it is: not longer than the sound one.</param>
/// <param name="Patches">What is written over it, in this order.</param>
internal sealed record Input(int Seed, int Length, (int At, byte[] Bytes)[] Patches)
{
    public void Write(BinaryWriter writer)
    {
        writer.Write(Seed);
        writer.Write(Length);
        writer.Write(Patches.Length);
        foreach (var (at, bytes) in Patches)
        {
            writer.Write(at);
            writer.Write(bytes.Length);
            writer.Write(bytes);
        }
    }

    public static Input Read(BinaryReader reader)
    {
        var (seed, length) = (reader.ReadInt32(), reader.ReadInt32());
        var patches = new (int, byte[])[reader.ReadInt32()];
        for (var i = 0; i < patches.Length; i++)
            patches[i] = (reader.ReadInt32(), reader.ReadBytes(reader.ReadInt32()));

        return new Input(seed, length, patches);
    }
}
