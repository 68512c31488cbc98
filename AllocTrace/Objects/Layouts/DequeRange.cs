namespace AllocTrace.Objects;

/// <summary>The part of a deque's end block that is used, packed into one number. Modules/_collectionsmodule.c: {left, 64 items, right}.</summary>
/// <param name="First">The first item that is used.</param>
/// <param name="Last">The last one.</param>
/// <param name="IsLeft">True if the block is the first one, which has no left neighbor.</param>
/// <param name="IsRight">True if the block is the last one.</param>
internal readonly record struct DequeRange(int First, int Last, bool IsLeft, bool IsRight)
{
    public const int Items = 64;

    public static DequeRange Unpack(int packed) => new(packed & 0x7f, (packed >> 8 & 0x7f) - 1, (packed & 1 << 16) != 0, (packed & 1 << 17) != 0);

    public int Pack() => First | (Last + 1) << 8 | (IsLeft ? 1 << 16 : 0) | (IsRight ? 1 << 17 : 0);
}
