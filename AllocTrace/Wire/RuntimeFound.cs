namespace AllocTrace.Wire;

/// <summary>On what occasion a CPython was found and hooked.</summary>
internal enum RuntimeFound : uint
{
    /// <summary>When the library was loaded.</summary>
    AtLoad = 1,

    /// <summary>When the host looked a symbol up.</summary>
    Dlsym = 2,

    /// <summary>When CPython asked for one of its environment variables.</summary>
    Getenv = 3,

    /// <summary>When the host asked for the recording.</summary>
    Start = 4,
}
