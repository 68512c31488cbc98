using System.Runtime.InteropServices;

using AllocTrace.Journal;

namespace AllocTrace.Replay;

/// <summary>All sites of a process, numbered densely from 1: a site is a thread, a domain and a stack. Native memory; used by one thread.</summary>
internal sealed unsafe class ReplayedSites : IDisposable
{
    private uint _capacity = 1024;

    public ReplayedSites()
    {
        Counters = (ReplayedSite*)NativeMemory.AlignedAlloc(_capacity * (nuint)sizeof(ReplayedSite), (nuint)sizeof(ReplayedSite));
        History = (SiteHistory*)NativeMemory.Alloc(_capacity, (nuint)sizeof(SiteHistory));
    }

    ~ReplayedSites() => Free();

    /// <summary>Counters by site. Moves when a site is added; the entry 0 is not a site.</summary>
    public ReplayedSite* Counters { get; private set; }

    /// <summary>Histories by site. Moves when a site is added.</summary>
    public SiteHistory* History { get; private set; }

    /// <summary>One more than the highest site.</summary>
    public uint End { get; private set; } = 1;

    public uint Add(int thread, int domain, uint stack)
    {
        if (End == _capacity)
            Grow();

        Counters[End] = new ReplayedSite { Thread = thread, Domain = domain };
        History[End] = new SiteHistory { Stack = stack, Slice = -1 };
        return End++;
    }

    public void Save(BinaryWriter writer)
    {
        writer.Write(End);
        for (var site = 1u; site < End; site++)
        {
            writer.Write(new ReadOnlySpan<byte>(Counters + site, sizeof(ReplayedSite)));
            writer.Write(new ReadOnlySpan<byte>(History + site, sizeof(SiteHistory)));
        }
    }

    /// <exception cref="EndOfStreamException">The file is too short.</exception>
    public void Load(BinaryReader reader)
    {
        var end = (uint)Math.Max(1, reader.ReadCount(sizeof(ReplayedSite)));
        for (var site = 1u; site < end; site++)
        {
            Add(thread: 0, domain: 0, stack: 0);
            reader.BaseStream.ReadExactly(new Span<byte>(Counters + site, sizeof(ReplayedSite)));
            reader.BaseStream.ReadExactly(new Span<byte>(History + site, sizeof(SiteHistory)));
        }
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Grow()
    {
        _capacity = checked(2 * _capacity);
        Counters = (ReplayedSite*)NativeMemory.AlignedRealloc(Counters, _capacity * (nuint)sizeof(ReplayedSite), (nuint)sizeof(ReplayedSite));
        History = (SiteHistory*)NativeMemory.Realloc(History, _capacity * (nuint)sizeof(SiteHistory));
    }

    private void Free()
    {
        NativeMemory.AlignedFree(Counters);
        NativeMemory.Free(History);
        Counters = null;
        History = null;
    }
}
