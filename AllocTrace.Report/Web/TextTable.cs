namespace AllocTrace.Report.Web;

/// <summary>Texts by number, each once; 0 is the empty one.</summary>
internal sealed class TextTable
{
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal) { [""] = 0 };

    /// <summary>The texts in the order of their numbers.</summary>
    public IEnumerable<string> Texts => _numbers.Keys;

    public int Number(string text)
    {
        if (!_numbers.TryGetValue(text, out var number))
            _numbers[text] = number = _numbers.Count;

        return number;
    }
}
