namespace AllocTrace.Wire;

/// <summary>The bytes of a session's file that processes lock (F_OFD_SETLK) to exclude each other; <c>wire.h</c> names them.</summary>
internal enum SessionLock
{
    /// <summary>The one process that drains it.</summary>
    Collector = 0,

    /// <summary>The one process that asks for a snapshot.</summary>
    Request = 1,
}
