using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>
/// Counts what records do to mappings (domain <c>mmap</c>). A mapping is one block, whose bytes may be freed in pieces. All are recorded, also when
/// heap blocks are sampled.
/// </summary>
internal sealed unsafe class MappingReplay(BlockReplay blocks)
{
    private const uint Frees = (uint)RecordKind.Free << 4 | WireFormat.MmapDomain;

    public MappingTable Table { get; set; } = new();

    /// <summary>A mapping is made. Those that lay there, or parts of them, are gone.</summary>
    public void Put(ulong address, ulong bytes, uint site)
    {
        Take(address, bytes, []);
        if (bytes > 0)
            Table.Add(new MappedPiece(address, address + bytes, new Mapping(site)));
    }

    /// <summary>Addresses are about to be unmapped.</summary>
    public void Unmap(ThreadReplay thread, ulong address, ulong bytes)
    {
        blocks.CheckBytes(thread, bytes);
        thread.Unmapped.Clear();
        blocks.CountCalls(Frees, Take(address, bytes, thread.Unmapped), 1);
    }

    /// <summary>Undoes the last unmapping, which the system refused: the pieces are live again.</summary>
    public void Undo(ThreadReplay thread)
    {
        foreach (var piece in thread.Unmapped)
        {
            blocks.WithdrawFree(piece.Mapping.Site, piece.Bytes, piece.Mapping.Pieces == 0 ? 1 : 0);
            blocks.CountCalls(Frees, -piece.Bytes, 0);
            Take(piece.Begin, piece.End - piece.Begin, []); // nothing, unless records are missing
            Table.Add(piece);
        }

        thread.Unmapped.Clear();
    }

    /// <summary>Moves or resizes mappings. Unknown ranges stay unknown: they cannot be written to.</summary>
    public void Move(ThreadReplay thread, uint tag, ulong address, ulong bytes, uint stack)
    {
        if (thread.Unmapped.Count > 0)
            blocks.Allocate(thread, tag, address, bytes, stack);

        thread.Unmapped.Clear();
    }

    /// <summary>Takes a range out of the table, and counts it as freed.</summary>
    /// <returns>The bytes of it that were mapped.</returns>
    private long Take(ulong address, ulong length, List<MappedPiece> taken)
    {
        Table.Cut(address, address + length, taken);
        var ended = new HashSet<Mapping>();
        foreach (var piece in taken)
            blocks.CountFree(piece.Mapping.Site, piece.Bytes, piece.Mapping.Pieces == 0 && ended.Add(piece.Mapping) ? 1 : 0);

        return taken.Sum(piece => piece.Bytes);
    }
}
