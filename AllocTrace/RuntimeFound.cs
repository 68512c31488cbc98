namespace AllocTrace;

/// <summary>On what occasion a CPython was found and hooked.</summary>
public enum RuntimeFound : uint
{
    /// <summary>A newer version of AllocTrace wrote an occasion that this one does not know.</summary>
    Unknown = 0,

    /// <summary>When the library was loaded.</summary>
    AtLoad = 1,

    /// <summary>When the host looked a symbol up.</summary>
    Dlsym = 2,

    /// <summary>When CPython asked for one of its environment variables.</summary>
    Getenv = 3,

    /// <summary>When the host asked for the recording.</summary>
    Start = 4,
}
