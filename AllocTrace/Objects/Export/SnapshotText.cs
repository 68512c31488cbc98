using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace AllocTrace.Objects;

/// <summary>Writes the numbers and strings of a heap snapshot to a stream, and keeps the table of strings.</summary>
internal sealed class SnapshotText(Stream stream)
{
    private const int LongestNumber = 20;

    private readonly byte[] _buffer = new byte[1 << 16];
    private readonly Dictionary<string, int> _places = [];
    private readonly List<string> _strings = [];
    private int _length;
    private bool _isFirst = true;

    /// <summary>The number of a string in the table.</summary>
    public int String(string text)
    {
        if (!_places.TryGetValue(text, out var place))
        {
            _places.Add(text, place = _strings.Count);
            _strings.Add(text);
        }

        return place;
    }

    public void Raw(ReadOnlySpan<byte> text)
    {
        if (text.Length > _buffer.Length - _length)
            Flush();

        if (text.Length > _buffer.Length)
        {
            stream.Write(text);
            return;
        }

        text.CopyTo(_buffer.AsSpan(_length));
        _length += text.Length;
    }

    public void Raw(string text) => Raw(Encoding.UTF8.GetBytes(text));

    /// <summary>Begins a list of numbers.</summary>
    public void Begin(ReadOnlySpan<byte> name)
    {
        Raw(name);
        _isFirst = true;
    }

    /// <summary>Writes numbers of the list, on a line of their own.</summary>
    public void Numbers(params ReadOnlySpan<long> numbers)
    {
        for (var i = 0; i < numbers.Length; i++)
        {
            if (_buffer.Length - _length < LongestNumber + 2)
                Flush();

            if (!_isFirst)
            {
                _buffer[_length++] = (byte)',';
                if (i == 0)
                    _buffer[_length++] = (byte)'\n';
            }

            _isFirst = false;
            Utf8Formatter.TryFormat(numbers[i], _buffer.AsSpan(_length), out var written);
            _length += written;
        }
    }

    /// <summary>Writes the table of strings.</summary>
    public void Strings()
    {
        for (var i = 0; i < _strings.Count; i++)
        {
            Raw(i == 0 ? "\""u8 : ",\n\""u8);
            Raw(JsonEncodedText.Encode(_strings[i]).EncodedUtf8Bytes);
            Raw("\""u8);
        }
    }

    public void Flush()
    {
        stream.Write(_buffer, 0, _length);
        _length = 0;
    }
}
