using System.Runtime.CompilerServices;

using AllocTrace.Journal;

namespace AllocTrace.Replay;

/// <summary>
/// The addresses of a thread's last N allocations. A block that its own thread frees while it is among them is temporary.
/// </summary>
/// <remarks>
/// Addresses are not taken out when they are freed: if a block that the thread allocated lies at a remembered address, then its allocation
/// is the thread's newest at that address, so it is at least as recent as the one that was remembered.
/// </remarks>
internal sealed class RecentAllocations
{
    private readonly ulong[]? _ring;
    private int _next;
    private ulong _newest;

    /// <param name="threshold">N, from 1 to <see cref="JournalFormat.MostTemporaryThreshold"/>.</param>
    public RecentAllocations(int threshold) => _ring = threshold == 1 ? null : new ulong[threshold];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ulong address)
    {
        _newest = address;
        if (_ring is not null)
            AddToRing(address);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Contains(ulong address) => _newest == address || (_ring is not null && _ring.AsSpan().Contains(address));

    /// <summary>Returns whether it is the thread's last allocation.</summary>
    public bool IsNewest(ulong address) => _newest == address;

    public void Save(BinaryWriter writer)
    {
        writer.Write(_newest);
        writer.Write(_next);
        writer.WriteAll<ulong>(_ring ?? []);
    }

    /// <returns>True if it could be.</returns>
    public bool TryLoad(BinaryReader reader)
    {
        _newest = reader.ReadUInt64();
        _next = reader.ReadInt32();
        var ring = reader.ReadAll<ulong>();
        if (ring.Length != (_ring?.Length ?? 0) || _next < 0 || _next > Math.Max(0, ring.Length - 1))
            return false;

        ring.CopyTo(_ring ?? []);
        return true;
    }

    private void AddToRing(ulong address)
    {
        _ring![_next] = address;
        _next = _next + 1 == _ring.Length ? 0 : _next + 1;
    }
}
