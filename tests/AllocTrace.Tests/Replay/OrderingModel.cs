namespace AllocTrace.Tests.Replay;

/// <summary>
/// A model of threads that share one allocator with two addresses, and a collector, interleaved at random step by step. Memory is
/// sequentially consistent here; on real processors the loads and stores of the protocol have acquire and release semantics.
/// </summary>
internal sealed class OrderingModel
{
    private const int Threads = 3, Addresses = 2, Steps = 120;

    private readonly Random _random;
    private readonly bool _looksAtLastWriterFirst;
    private readonly List<Record>[] _streams = [.. Enumerable.Range(0, Threads).Select(_ => new List<Record>())];
    private readonly int[] _replayed = new int[Threads];
    private readonly bool[] _isAllocated = new bool[Addresses];
    private readonly int?[] _replayedOwner = new int?[Addresses];
    private readonly Queue<int> _handedOver = [];
    private (int Ticket, int Slot) _order = (0, -1);

    public OrderingModel(Random random, bool looksAtLastWriterFirst)
    {
        _random = random;
        _looksAtLastWriterFirst = looksAtLastWriterFirst;
    }

    /// <returns>The event that was replayed too early; <see langword="null"/> if none was.</returns>
    public string? Run()
    {
        var actors = new List<IEnumerator<string?>>();
        for (var slot = 0; slot < Threads; slot++)
            actors.Add(Thread(slot).GetEnumerator());

        actors.Add(Collector().GetEnumerator());
        for (var step = 0; step < Steps; step++)
        {
            var actor = actors[_random.Next(actors.Count)];
            actor.MoveNext();
            if (actor.Current is { } fault)
                return fault;
        }

        return null;
    }

    /// <summary>Runs a thread: the others may act at each <c>yield</c>.</summary>
    private IEnumerable<string?> Thread(int slot)
    {
        var mine = (Ticket: -1, Slot: slot);
        while (true)
        {
            // Free what somebody allocated and handed over, or allocate.
            if (_handedOver.Count > 0 && _random.Next(2) == 0)
            {
                var address = _handedOver.Dequeue();
                foreach (var pause in Write(slot, mine, address, isAllocation: false, own => mine = own))
                    yield return pause;

                _isAllocated[address] = false; // the real free
                yield return null;
            }
            else if (Array.IndexOf(_isAllocated, false) is var address and >= 0)
            {
                _isAllocated[address] = true; // the real allocation
                yield return null;
                foreach (var pause in Write(slot, mine, address, isAllocation: true, own => mine = own))
                    yield return pause;

                _handedOver.Enqueue(address);
                yield return null;
            }
            else
            {
                yield return null;
            }
        }
    }

    private IEnumerable<string?> Write(int slot, (int Ticket, int Slot) mine, int address, bool isAllocation, Action<(int, int)> setMine)
    {
        if (_order != mine) // the check
        {
            yield return null;
            _order = mine = (_order.Ticket + 1, slot); // compare and swap
            setMine(mine);
            yield return null;
            _streams[slot].Add(new Record(mine.Ticket, null, false));
        }

        yield return null;
        _streams[slot].Add(new Record(mine.Ticket, address, isAllocation)); // adding publishes: the cursor is the list's length
        yield return null;
    }

    private IEnumerable<string?> Collector()
    {
        while (true)
        {
            var (newest, lastWriter) = _order;
            yield return null;
            var slots = Enumerable.Range(0, Threads).ToArray();
            _random.Shuffle(slots);
            if (_looksAtLastWriterFirst)
                slots = [.. slots.OrderByDescending(slot => slot == lastWriter)];

            var limits = new int[Threads];
            foreach (var slot in slots)
            {
                limits[slot] = _streams[slot].Count;
                yield return null;
            }

            yield return Replay(newest, limits);
        }
    }

    /// <summary>Replays the records found, of batches up to the newest, the oldest batch first.</summary>
    private string? Replay(int newest, int[] limits)
    {
        var seen = new List<(int Slot, Record Record)>();
        for (var slot = 0; slot < Threads; slot++)
        {
            for (; _replayed[slot] < limits[slot] && _streams[slot][_replayed[slot]].Ticket <= newest; _replayed[slot]++)
                seen.Add((slot, _streams[slot][_replayed[slot]]));
        }

        foreach (var (slot, record) in seen.OrderBy(item => item.Record.Ticket))
        {
            if (record.Address is not { } address)
                continue;

            if (record.IsAllocation == _replayedOwner[address].HasValue)
                return $"thread {slot} {(record.IsAllocation ? "allocates what is not free" : "frees what is not allocated")}";

            _replayedOwner[address] = record.IsAllocation ? slot : null;
        }

        return null;
    }

    private sealed record Record(int Ticket, int? Address, bool IsAllocation);
}
