namespace AllocTrace.Objects;

/// <summary>The name of a type as the program knows it.</summary>
/// <param name="Module">The module in which it was defined: <c>builtins</c> for those of the language.</param>
/// <param name="QualifiedName">The name in the module, with enclosing classes and functions.</param>
internal readonly record struct TypeName(string Module, string QualifiedName)
{
    public const string Builtins = "builtins";

    /// <summary>The full name, for example <c>app.models.Row</c> or <c>builtins.dict</c>.</summary>
    public string FullName => $"{Module}.{QualifiedName}";

    /// <summary>Formats the name without <c>builtins</c>.</summary>
    public override string ToString() => Module == Builtins ? QualifiedName : FullName;
}
