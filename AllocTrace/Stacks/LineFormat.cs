namespace AllocTrace.Stacks;

/// <summary>The format of a code object's lines: <c>enum line_format</c> of src/python/layout.h.</summary>
internal enum LineFormat
{
    /// <summary>3.8 and 3.9.</summary>
    Lnotab,

    /// <summary>3.10.</summary>
    Linetable,

    /// <summary>3.11 and later.</summary>
    Locations,
}
