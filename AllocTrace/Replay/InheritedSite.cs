namespace AllocTrace.Replay;

/// <summary>A site of a parent process as its forked child inherits it.</summary>
/// <param name="Thread">The thread that allocated, in the process where it did.</param>
/// <param name="Domain">The records' domain.</param>
/// <param name="SessionPath">The session of that process.</param>
/// <param name="Stack">The stack, as a node of that session.</param>
/// <param name="Bytes">The live bytes of the site when the child was forked.</param>
/// <param name="Blocks">The live blocks of the site when the child was forked.</param>
internal readonly record struct InheritedSite(ThreadReplay Thread, int Domain, string SessionPath, uint Stack, long Bytes, long Blocks);
