namespace AllocTrace.Objects;

/// <summary>The known structure of a type's instances, beyond that of every object.</summary>
internal enum ObjectKind : byte
{
    /// <summary>Any word may be a reference.</summary>
    Other,

    /// <summary>Refers to nothing: an int, a float, a complex number, bytes.</summary>
    Atom,
    Text,
    Dict,
    List,
    Tuple,
    Set,
    Deque,
    Type,
    Code,
    Function,
    Method,
    Cell,
    Module,
    Frame,
    Generator,
    Exception,
    Traceback,
    WeakReference,
    LruCache,
    LruLink,
    MemoryView,

    /// <summary>A compiled regular expression, or a match: numbers follow its fields.</summary>
    Pattern,
    Decimal,
    NumpyArray,
    ContextVariable,

    /// <summary>A threading.local: it has a dict of the dicts of threads.</summary>
    ThreadLocal,

    /// <summary>The object that keeps a threading.local in a thread's dict.</summary>
    LocalDummy,

    /// <summary>Refers to nothing but the system's lock.</summary>
    Lock,

    /// <summary>Has buffers with bytes that are no references: a bytearray, an array, the description of members.</summary>
    DataBuffer,
}
