namespace AllocTrace.Analysis;

/// <summary>
/// A shell pattern as Python's <c>fnmatch</c> understands it: <c>*</c>, <c>?</c>, <c>[set]</c> and <c>[!set]</c>, matching whole names
/// by code point. A separator is a character like any other.
/// </summary>
internal sealed class FileNamePattern
{
    private readonly List<Element> _elements = [];

    public FileNamePattern(string pattern)
    {
        var text = CodePoints(pattern);
        for (var i = 0; i < text.Length;)
        {
            var c = text[i++];
            if (c == '[' && CharacterSet.TryParse(text, ref i) is { } set)
                _elements.Add(new Element(Kind.Set, 0, set));
            else if (c == '?')
                _elements.Add(new Element(Kind.AnyOne, 0, null));
            else if (c != '*')
                _elements.Add(new Element(Kind.Literal, c, null));
            else if (_elements is not [.., { Kind: Kind.AnyRun }])
                _elements.Add(new Element(Kind.AnyRun, 0, null));
        }
    }

    private enum Kind
    {
        Literal,
        AnyOne,
        AnyRun,
        Set,
    }

    public bool Matches(string name)
    {
        var text = CodePoints(name);
        int element = 0, position = 0;
        int run = -1, runEnd = 0; // the last '*', and where it has been stretched to
        while (true)
        {
            if (element < _elements.Count && _elements[element].Kind == Kind.AnyRun)
            {
                run = element++;
                runEnd = position;
            }
            else if (position < text.Length && element < _elements.Count && _elements[element].Matches(text[position]))
            {
                element++;
                position++;
            }
            else if (position == text.Length && element == _elements.Count)
            {
                return true;
            }
            else if (run >= 0 && runEnd < text.Length)
            {
                element = run + 1;
                position = ++runEnd;
            }
            else
            {
                return false;
            }
        }
    }

    private static int[] CodePoints(string text)
    {
        var points = new List<int>(text.Length);
        for (var i = 0; i < text.Length; i += points[^1] > 0xFFFF ? 2 : 1)
            points.Add(CodePointOrder.CodePointAt(text, i));

        return [.. points];
    }

    private readonly record struct Element(Kind Kind, int Literal, CharacterSet? Set)
    {
        public bool Matches(int codePoint) => Kind switch
        {
            Kind.AnyOne => true,
            Kind.Set => Set!.Contains(codePoint),
            _ => Literal == codePoint,
        };
    }
}
