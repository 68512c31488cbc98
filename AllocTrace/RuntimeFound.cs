namespace AllocTrace;

/// <summary>The occasion on which a CPython was found and hooked.</summary>
public enum RuntimeFound : uint
{
    /// <summary>A newer version of AllocTrace wrote an occasion that this one does not know.</summary>
    Unknown = 0,

    /// <summary>The native library was loaded.</summary>
    AtLoad = 1,

    /// <summary>The host looked up a symbol (<c>dlsym</c>).</summary>
    Dlsym = 2,

    /// <summary>CPython read one of its environment variables (<c>getenv</c>).</summary>
    Getenv = 3,

    /// <summary>The host started the recording.</summary>
    Start = 4,
}
