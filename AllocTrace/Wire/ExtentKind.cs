namespace AllocTrace.Wire;

/// <summary>The content of an extent of a session file.</summary>
internal enum ExtentKind : byte
{
    None = 0,
    Threads = 1,
    Slabs = 2,
    Nodes = 3,
    Codes = 4,
    Strings = 5,
    Crash = 6,
    Memory = 7,
    Images = 8,
    CFrames = 9,
}
