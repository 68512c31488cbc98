namespace AllocTrace.Objects;

/// <summary>A frame of a thread of the image.</summary>
/// <param name="Thread">The thread's number: 1 for the main thread.</param>
/// <param name="Address">The frame's address; to 3.10 that of a frame object.</param>
/// <param name="Code">The address of its code.</param>
internal readonly record struct ImageFrame(int Thread, ulong Address, ulong Code);
