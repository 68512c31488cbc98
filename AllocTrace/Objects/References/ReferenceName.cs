using System.Globalization;

namespace AllocTrace.Objects;

/// <summary>The kind of a reference from an object to another one.</summary>
internal enum ReferenceKind : byte
{
    /// <summary>A name that belongs to the program's code: an attribute, a field of C.</summary>
    Attribute,

    /// <summary>A local variable of a frame or a generator.</summary>
    Local,

    /// <summary>The value of a key of a dict.</summary>
    Key,

    /// <summary>A key of a dict.</summary>
    KeyItself,

    /// <summary>An item by its number.</summary>
    Index,

    /// <summary>An element of a set.</summary>
    Element,

    /// <summary>The dict of a threading.local that has a dict for each thread.</summary>
    ThreadLocals,

    /// <summary>The dict that a threading.local has for a thread.</summary>
    ThreadLocalDict,

    /// <summary>A reference whose name is not known: by the type of what is referred to.</summary>
    Unnamed,
}

/// <summary>The name of a reference from one object to another.</summary>
/// <param name="Kind">The kind of the name.</param>
/// <param name="Text">The name; of a key, as Python writes it; empty for any key, index or element.</param>
internal readonly record struct ReferenceName(ReferenceKind Kind, string Text)
{
    public const string Dict = "__dict__";

    /// <summary>True if the reference goes to the namespace of an object, which paths leave out.</summary>
    public bool IsNamespace => (Kind == ReferenceKind.Attribute && Text == Dict) || Kind == ReferenceKind.ThreadLocalDict;

    public static ReferenceName Attribute(string name) => new(ReferenceKind.Attribute, name);

    public static ReferenceName Index(long index) => new(ReferenceKind.Index, index.ToString(CultureInfo.InvariantCulture));

    /// <summary>Returns the name without what differs from one item to the next.</summary>
    public ReferenceName Any() => Kind is ReferenceKind.Key or ReferenceKind.KeyItself or ReferenceKind.Index or ReferenceKind.Element ? this with { Text = "" } : this;

    /// <summary>Formats the reference as a part of a path: <c>.name</c>, <c>['key']</c>, <c>[*]</c>.</summary>
    public override string ToString() => Kind switch
    {
        ReferenceKind.Attribute => $".{Text}",
        ReferenceKind.Local => $" local {Text}",
        ReferenceKind.ThreadLocals => " thread-locals",
        ReferenceKind.ThreadLocalDict => "[*]",
        ReferenceKind.KeyItself => Text.Length > 0 ? $".keys()[{Text}]" : ".keys()[*]",
        ReferenceKind.Element => "{*}",
        ReferenceKind.Unnamed => $".<{Text}>",
        _ => Text.Length > 0 ? $"[{Text}]" : "[*]",
    };
}
