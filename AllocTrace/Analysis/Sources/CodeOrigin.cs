namespace AllocTrace.Analysis;

/// <summary>The owner of the code that a frame runs.</summary>
internal enum CodeOrigin
{
    /// <summary>The user's: everything that is nothing else.</summary>
    Own,

    /// <summary>An installed package's.</summary>
    Package,

    /// <summary>The standard library's.</summary>
    Library,

    /// <summary>The import system's, which is a part of the standard library.</summary>
    Import,

    /// <summary>Code of a C function, of any program or library.</summary>
    Native,
}
