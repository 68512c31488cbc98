namespace AllocTrace.Objects;

/// <summary>The way in which the memory of a process was read for the types and holders of its blocks.</summary>
internal enum ReadingMethod
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>From a copy that the process made of itself.</summary>
    Copy,

    /// <summary>From the process, whose threads were held.</summary>
    Held,
}
