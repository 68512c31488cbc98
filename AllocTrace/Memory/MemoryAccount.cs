using AllocTrace.Journal;

namespace AllocTrace.Memory;

/// <summary>Resident memory at a moment, with an owner for each byte.</summary>
/// <param name="Kind">The kind of the snapshot that it belongs to, which is not the peak.</param>
/// <param name="Name">The name of a named snapshot; else empty.</param>
/// <param name="AtNs">Nanoseconds since the recording began.</param>
/// <param name="Resident">Bytes, as the system counts them (RSS): the sum of the parts.</param>
/// <param name="Huge">Bytes of these in transparent huge pages.</param>
/// <param name="Trim">Bytes that glibc's malloc_trim(0) would return to the system.</param>
/// <param name="Parts">The resident memory by kind and name.</param>
/// <param name="Holds">The sites whose live blocks hold more than themselves, the largest first.</param>
/// <param name="Missing">The data that could not be read.</param>
internal sealed record MemoryAccount(
    SnapshotKind Kind, string Name, long AtNs, long Resident, long Huge, long Trim, MemoryPart[] Parts, MemoryHold[] Holds, MemoryMissing Missing)
{
    /// <summary>Writes it into a checkpoint.</summary>
    public void Save(BinaryWriter writer)
    {
        writer.Write((int)Kind);
        writer.Write(Name);
        writer.WriteAll<long>([AtNs, Resident, Huge, Trim, (long)Missing]);
        writer.Write(Parts.Length);
        foreach (var part in Parts)
        {
            writer.Write(part.Kind);
            writer.Write(part.Name);
            writer.WriteAll([part.Resident, part.Live]);
        }

        writer.WriteAll<MemoryHold>(Holds);
    }

    /// <exception cref="EndOfStreamException">The checkpoint is shorter than what it announces.</exception>
    /// <exception cref="FormatException">It announces something else.</exception>
    public static MemoryAccount Load(BinaryReader reader)
    {
        var (kind, name) = ((SnapshotKind)reader.ReadInt32(), reader.ReadString());
        if (reader.ReadAll<long>() is not [var atNs, var resident, var huge, var trim, var missing])
            throw new FormatException();

        var parts = new MemoryPart[reader.ReadCount(least: 1)];
        foreach (ref var part in parts.AsSpan())
        {
            var (partKind, partName) = (reader.ReadString(), reader.ReadString());
            part = reader.ReadAll<long>() is [var bytes, var live] ? new MemoryPart(partKind, partName, bytes, live) : throw new FormatException();
        }

        return new MemoryAccount(kind, name, atNs, resident, huge, trim, parts, reader.ReadAll<MemoryHold>(), (MemoryMissing)missing);
    }
}

/// <summary>A part of resident memory.</summary>
/// <param name="Kind">A <see cref="MemoryKind"/>.</param>
/// <param name="Name">The name within the kind: a domain or a path; empty if the kind needs no name.</param>
/// <param name="Resident">Bytes in memory.</param>
/// <param name="Live">Bytes of these in live blocks, as the program requested them.</param>
internal readonly record struct MemoryPart(string Kind, string Name, long Resident, long Live);

/// <summary>The memory that the live blocks of a site keep resident.</summary>
/// <param name="Site">The site.</param>
/// <param name="Bytes">The resident bytes that could be returned without them, including the blocks themselves.</param>
/// <param name="Live">Bytes of the blocks.</param>
internal record struct MemoryHold(uint Site, long Bytes, long Live);
