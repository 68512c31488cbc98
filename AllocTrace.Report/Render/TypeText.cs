using AllocTrace.Analysis;

namespace AllocTrace.Report.Render;

/// <summary>Names the types of blocks in one line: <c>12,000 dict, 4,000 app.Row</c>.</summary>
internal static class TypeText
{
    private const int MostTypes = 4;

    /// <summary>The types with most bytes, and how many others there are.</summary>
    public static string Of(IReadOnlyList<TypeAmount> types) => Join(types, type => Numbers.Whole(type.Count));

    /// <summary>Formats the differences by type: <c>+4,000 dict</c>.</summary>
    public static string OfDifference(IReadOnlyList<TypeAmount> types) => Join(types, type => Numbers.Signed(type.Count));

    private static string Join(IReadOnlyList<TypeAmount> types, Func<TypeAmount, string> count)
    {
        var named = types.Take(MostTypes).Select(type => $"{count(type)} {Printable.Text(type.Type.ToString())}");
        return string.Join(", ", types.Count > MostTypes ? named.Append($"{Numbers.Whole(types.Count - MostTypes)} more") : named);
    }
}
