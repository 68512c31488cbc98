namespace AllocTrace.Fuzz;

/// <summary>A file, as its differences from a sound one.</summary>
/// <param name="Seed">The seed to change.</param>
/// <param name="Length">The length in bytes: at most that of the sound file.</param>
/// <param name="Patches">The patches to write over it, in this order.</param>
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
