using AllocTrace.Wire;

namespace AllocTrace.Replay;

// The C heap and mappings (option native).
internal sealed unsafe partial class ProcessReplay
{
    private readonly bool _hasNative;

    private MappingTable _mappings = new();

    /// <summary>Returns whether the domain's blocks may be blocks of the C heap under another name.</summary>
    /// <param name="tag">A record's tag, or a domain.</param>
    private bool MayRename(uint tag) => _hasNative && WireFormat.IsTracked((int)(tag & 15));

    /// <summary>The pages for the usual case: none for domains whose blocks need a closer look.</summary>
    private AddressPage** PagesOf(int domain) =>
        _tables[domain] is { } table && !MayRename((uint)domain) ? table.Pages : AddressTable.NoPages;

    /// <summary>
    /// Gives a block of the C heap to the domain that an extension names for it (<c>PyTraceMalloc_Track</c>). What the thread has just got from
    /// malloc is the same allocation; a block that had a name before is handed out again (numpy keeps small ones).
    /// </summary>
    /// <returns>The block's size; <see langword="null"/> when there is no such block.</returns>
    private ulong? TryRename(ThreadReplay thread, uint tag, ulong address, uint site)
    {
        if (!MayRename(tag))
            return null;

        if ((tag & 15) == WireFormat.OtherDomains)
            address &= (1UL << WireFormat.OtherShift) - 1;

        var heap = _tables[WireFormat.MallocDomain]!;
        var old = heap.Find(address, out var size);
        if (old == 0)
            return null;

        var domain = Sites.Counters[old].Domain;
        if (domain != WireFormat.MallocDomain && !WireFormat.IsTracked(domain))
            return null;

        var (bytes, blocks) = Weigh(address, size);
        if (domain == WireFormat.MallocDomain && thread.Recent.IsNewest(address))
            Withdraw(old, tag, bytes, blocks);
        else
            CountFree(old, bytes, blocks);

        heap.Put(address, size, site, out _);
        return size;
    }

    /// <summary>An allocation that counts for another site instead. The call counts where it was made.</summary>
    private void Withdraw(uint site, uint tag, long bytes, long blocks)
    {
        var counters = Sites.Counters + site;
        if (counters->Moment != _moment)
            Remember(site);

        counters->AllocatedBytes -= bytes;
        counters->AllocatedBlocks -= blocks;
        _liveBytes -= bytes;
        _liveBlocks -= blocks;
        ref var operations = ref OperationsOf(tag);
        operations.Calls -= blocks;
        operations.Bytes -= bytes;
    }

    private void PutMapping(ulong address, ulong size, uint site)
    {
        var replaced = new List<MappedPiece>();
        _mappings.Cut(address, address + size, replaced);
        CountUnmapped(replaced);
        if (size > 0)
            _mappings.Add(new MappedPiece(address, address + size, new Mapping(site)));
    }

    private void Unmap(ThreadReplay thread, uint tag, ulong address, ulong length)
    {
        if ((tag & 15) != WireFormat.MmapDomain)
            throw NoSuchRecord(thread, tag >> 4, 2 * sizeof(ulong));

        CheckBytes(thread, length);
        thread.Unmapped.Clear();
        _mappings.Cut(address, address + length, thread.Unmapped);
        ref var operations = ref OperationsOf(FreesOfMappings);
        operations.Calls++;
        operations.Bytes += CountUnmapped(thread.Unmapped);
    }

    /// <summary>The system refused: everything is as it was.</summary>
    private void UndoUnmap(ThreadReplay thread, ulong address)
    {
        ref var operations = ref OperationsOf(FreesOfMappings);
        foreach (var piece in thread.Unmapped)
        {
            var site = piece.Mapping.Site;
            if (Sites.Counters[site].Moment != _moment)
                Remember(site);

            var blocks = piece.Mapping.Pieces == 0 ? 1 : 0;
            Sites.Counters[site].FreedBytes -= piece.Bytes;
            Sites.Counters[site].FreedBlocks -= blocks;
            _liveBytes += piece.Bytes;
            _liveBlocks += blocks;
            operations.Bytes -= piece.Bytes;
            var replaced = new List<MappedPiece>(); // nothing, unless records are missing
            _mappings.Cut(piece.Begin, piece.End, replaced);
            CountUnmapped(replaced);
            _mappings.Add(piece);
        }

        thread.Unmapped.Clear();
    }

    /// <summary>Mappings were moved or resized. What was not known before stays unknown: it is no memory that may be written to.</summary>
    private void Remap(ThreadReplay thread, uint tag, ulong address, ulong size, uint stack)
    {
        if (thread.Unmapped.Count > 0)
            Allocate(thread, tag, address, size, stack);

        thread.Unmapped.Clear();
    }

    private const uint FreesOfMappings = (uint)RecordKind.Free << 4 | WireFormat.MmapDomain;

    /// <summary>Counts pieces that were taken out of the table.</summary>
    /// <returns>Their bytes.</returns>
    private long CountUnmapped(List<MappedPiece> pieces)
    {
        var bytes = 0L;
        var ended = new HashSet<Mapping>();
        foreach (var piece in pieces)
        {
            var isLast = piece.Mapping.Pieces == 0 && ended.Add(piece.Mapping);
            CountFree(piece.Mapping.Site, piece.Bytes, isLast ? 1 : 0);
            bytes += piece.Bytes;
        }

        return bytes;
    }
}
