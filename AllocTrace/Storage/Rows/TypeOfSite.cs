namespace AllocTrace.Storage;

/// <summary>The type of a part of a site's blocks.</summary>
/// <param name="Type">An index in <see cref="TraceDatabase.BlockTypes"/>.</param>
/// <param name="Retained">The bytes that would be freed with them.</param>
/// <param name="OfSite">The bytes that would be freed with all blocks of the site; 0 but in one row of a site.</param>
internal readonly record struct TypeOfSite(int Type, long Retained, long OfSite);
