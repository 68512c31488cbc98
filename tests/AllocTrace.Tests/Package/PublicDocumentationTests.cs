using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using AllocTrace.Storage;

namespace AllocTrace.Tests.Package;

/// <summary>
/// Requires that the documentation of the package says what each public method takes and returns. The compiler (CS1591, CS1573) requires a
/// summary, and all parameters as soon as one is documented.
/// </summary>
[TestClass]
public sealed class PublicDocumentationTests
{
    private static readonly Assembly _library = typeof(TraceDatabase).Assembly;

    private static readonly ILookup<string, XElement> _members = XDocument.Load(Path.ChangeExtension(_library.Location, ".xml"))
        .Descendants("member")
        .ToLookup(member => ((string)member.Attribute("name")!).Split('(')[0]);

    [TestMethod]
    public void Parameters_and_results_of_public_methods_are_documented()
    {
        string[] undocumented = [.. _library.GetExportedTypes().SelectMany(PublicMethods).Where(method => !IsDocumented(method)).Select(method => $"{method.DeclaringType}.{method}")];
        Assert.IsEmpty(undocumented, string.Join('\n', undocumented));
    }

    // Accessors have their property's text. The compiler writes the methods of records, and its copies have no text to inherit.
    private static IEnumerable<MethodInfo> PublicMethods(Type type) => type
        .GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
        .Where(method => !method.IsDefined(typeof(CompilerGeneratedAttribute)) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)));

    private static bool IsDocumented(MethodInfo method) => _members[$"M:{method.DeclaringType!.FullName!.Replace('+', '.')}.{method.Name}"].Any(text =>
        text.Element("inheritdoc") is not null
        || (method.GetParameters().All(parameter => text.Elements("param").Any(each => (string?)each.Attribute("name") == parameter.Name && each.Value.Trim() != ""))
            && (method.ReturnType == typeof(void) || text.Element("returns") is { Value.Length: > 0 })));
}
