using AllocTrace.Testing;

namespace AllocTrace.Benchmarks;

/// <summary>
/// Writes the records of a program that parses documents: many small objects from a few dozen sites, most of them freed at once or with
/// their document. A number of documents is live at a time.
/// </summary>
internal sealed class JsonLikeProgram(SessionBuilder session, int documents)
{
    private const int ObjectsPerDocument = 300;

    private static readonly int[] _sizes = [32, 40, 48, 49, 56, 57, 64, 72, 80, 104, 184, 232, 360];

    private readonly Random _random = new(1);
    private readonly Pymalloc _allocator = new();
    private readonly Queue<(ulong Address, int Size)[]> _documents = [];
    private readonly uint[] _stacks = session.AddStacks(40);

    /// <returns>The number of records that were written, without batches.</returns>
    public long Run(long records)
    {
        var thread = session.AddThread();
        var written = 0L;
        while (written < records)
        {
            var document = new (ulong, int)[ObjectsPerDocument];
            for (var i = 0; i < document.Length; i++)
            {
                written += 4;
                var (scratch, scratchSize) = Allocate(thread);
                document[i] = Allocate(thread);
                Free(thread, scratch, scratchSize);
                written--;
            }

            _documents.Enqueue(document);
            if (_documents.Count <= documents)
                continue;

            foreach (var (address, size) in _documents.Dequeue())
            {
                Free(thread, address, size);
                written++;
            }
        }

        return written;
    }

    private (ulong Address, int Size) Allocate(BuiltThread thread)
    {
        var size = _sizes[_random.Next(_sizes.Length)];
        var address = _allocator.Allocate(size);
        thread.Malloc(domain: 2, address, (ulong)size, _stacks[_random.Next(_stacks.Length)]);
        return (address, size);
    }

    private void Free(BuiltThread thread, ulong address, int size)
    {
        thread.Free(domain: 2, address);
        _allocator.Free(address, size);
    }
}
