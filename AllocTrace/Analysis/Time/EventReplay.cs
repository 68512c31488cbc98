using AllocTrace.Events;
using AllocTrace.Storage;
using AllocTrace.Wire;

namespace AllocTrace.Analysis;

/// <summary>
/// Replays a process's event log, and finds the size and the allocating stack of each block that ends. Keeps the live blocks.
/// </summary>
internal sealed class EventReplay
{
    private readonly TraceDatabase _database;
    private readonly TraceProcess _process;
    private readonly SiteFilter[] _filters;
    private readonly EventNumbers _numbers;
    private readonly long _blocks;
    private readonly Func<long, EventBlock> _read;
    private readonly Dictionary<(int Domain, ulong Address), Block> _alive = [];

    /// <summary>The reallocations that are under way, by thread and domain.</summary>
    private readonly Dictionary<(int Thread, int Domain), (ulong Address, Block? Block)> _open = [];

    public EventReplay(TraceDatabase database, TraceProcess process, IEnumerable<TraceFilter[]> filters)
    {
        _database = database;
        _process = process;
        _filters = [.. filters.Select(list => new SiteFilter(database, list))];
        (_numbers, _blocks, _read) = database.ReadEvents(process);
    }

    public IEnumerable<AllocationEvent> Read()
    {
        for (long position = 0; position < _blocks; position++)
        {
            foreach (var (each, site) in Read(position, _read(position)))
            {
                if (_filters.All(filter => filter.Passes(site)))
                    yield return each;
            }
        }
    }

    private IEnumerable<(AllocationEvent Event, Site Site)> Read(long position, EventBlock block)
    {
        var (at, allocation) = (0, 0);
        for (var run = 0; run < block.Runs.Length; run++)
        {
            var (time, thread, count) = block.Runs.Span[run];
            if (count < 0 || count > block.Tags.Length - at || !_numbers.Threads.TryGetValue(thread, out var threadIndex))
                throw Damaged(position, $"a run of {count} events of thread {thread}");

            for (var end = at + count; at < end; at++)
            {
                if (Next(position, block, at, thread, ref allocation) is { } call)
                    yield return Described(position, call, time, threadIndex);
            }
        }

        if (at < block.Tags.Length || allocation < block.Bytes.Length)
            throw Damaged(position, "its runs do not cover its events");
    }

    /// <summary>Follows the event at an index. Returns what it did to blocks, or <see langword="null"/> if it is only part of a call.</summary>
    private ReplayedCall? Next(long position, EventBlock block, int at, int thread, ref int allocation)
    {
        var (kind, domain, address) = ((RecordKind)(block.Tags.Span[at] >> 4), block.Tags.Span[at] & 15, block.Addresses.Span[at]);
        var space = WireFormat.IsHeap(domain) ? 0 : domain; // raw, mem, obj and the C heap share addresses
        switch (kind)
        {
            case RecordKind.Malloc or RecordKind.Calloc or RecordKind.Realloc when allocation < block.Bytes.Length:
                var allocated = Allocated(position, block, allocation++);
                ulong? replaced = kind == RecordKind.Realloc && _open.Remove((thread, domain), out var old) ? old.Address : null;
                if (address == 0)
                    return new ReplayedCall(kind, domain, null, null, replaced); // when sampling: the new block was not chosen

                _alive[(space, address)] = allocated;
                return new ReplayedCall(kind, domain, address, allocated, replaced);

            case RecordKind.Free:
                return new ReplayedCall(kind, domain, address, Take(space, address), null);

            case RecordKind.Unmap when allocation < block.Bytes.Length:
                return new ReplayedCall(kind, domain, address, Unmapped(address, (long)Math.Min(block.Bytes.Span[allocation++], long.MaxValue)), null);

            case RecordKind.ReallocBegin:
                _open[(thread, domain)] = (address, Take(space, address));
                return null;

            case RecordKind.ReallocFailed:
                if (_open.Remove((thread, domain), out var kept) && kept.Block is { } same)
                    _alive[(space, kept.Address)] = same;
                return null;

            default:
                throw Damaged(position, $"an event of kind {(int)kind}");
        }
    }

    private (AllocationEvent Event, Site Site) Described(long position, in ReplayedCall call, long time, int threadIndex)
    {
        if (!_numbers.Domains.TryGetValue(call.Domain, out var domainIndex))
            throw Damaged(position, $"an event of domain {call.Domain}");

        var stack = call.Block?.Stack ?? 0;
        return (
            new AllocationEvent(
                time, _database.Threads[threadIndex], _database.Domains[domainIndex].Name, call.Kind.ToAllocationKind() ?? AllocationKind.Free, Plain(call.Domain, call.Address), call.Block?.Bytes, call.Old, stack, call.Block?.Interpreter),
            new Site(_database.IndexOfProcess(_process.Id), threadIndex, domainIndex, stack, 0, 0));
    }

    /// <summary>Returns the address without the bits that distinguish the domains which share a record domain.</summary>
    private static ulong? Plain(int domain, ulong? address) => domain == WireFormat.OtherDomains ? address & ((1UL << WireFormat.OtherShift) - 1) : address;

    private Block Allocated(long position, EventBlock block, int allocation)
    {
        var (bytes, number) = (block.Bytes.Span[allocation], block.Stacks.Span[allocation]);
        return bytes <= long.MaxValue && _numbers.Stacks.TryGetValue(number, out var stack)
            ? new Block((long)bytes, stack.Stack, stack.Interpreter)
            : throw Damaged(position, $"an allocation of {bytes} bytes by stack {number}");
    }

    /// <summary>
    /// Returns the block that was unmapped at an address: the mapping that began there, or a part of one. The rest of that mapping stays.
    /// </summary>
    private Block Unmapped(ulong address, long length)
    {
        var whole = Take(WireFormat.MmapDomain, address);
        if (whole is { } mapping && mapping.Bytes > length)
            _alive[(WireFormat.MmapDomain, address + (ulong)length)] = mapping with { Bytes = mapping.Bytes - length };

        return (whole ?? default) with { Bytes = length };
    }

    private Block? Take(int space, ulong address) => _alive.Remove((space, address), out var block) ? block : null;

    private InvalidTraceException Damaged(long position, string what) => _database.DamagedEvents(_process, position, what);

    /// <summary>The effect of a call. Old: the block that a reallocation replaced.</summary>
    private readonly record struct ReplayedCall(RecordKind Kind, int Domain, ulong? Address, Block? Block, ulong? Old);

    private readonly record struct Block(long Bytes, int Stack, long Interpreter);
}
