using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace AllocTrace.Report.Export;

/// <summary>
/// Writes what Python's pickle reads: protocol 3, of which only what snapshots need (opcodes: CPython's Lib/pickletools.py). What is pushed is in
/// the order of the calls; a remembered object can be pushed again by its number.
/// </summary>
internal sealed class PickleWriter : IDisposable
{
    private const int Batch = 1000; // items of a list that are appended at once, as pickle itself does

    private readonly BufferedStream _target;
    private uint _remembered;
    private int _depth; // tuples within the list
    private int _batched;
    private bool _inList;

    /// <param name="target">Gets the pickle; not closed.</param>
    public PickleWriter(Stream target)
    {
        _target = new BufferedStream(target, 1 << 16);
        Write(0x80, 3); // PROTO
    }

    /// <summary>An object of a class that needs no arguments, to be followed by its state.</summary>
    public void NewObject(string module, string name)
    {
        Write((byte)'c');
        _target.Write(Encoding.ASCII.GetBytes($"{module}\n{name}\n"));
        Write((byte)')', 0x81); // EMPTY_TUPLE NEWOBJ
    }

    /// <summary>The state of an object: pairs of a text and a value.</summary>
    public void BeginDictionary() => Write((byte)'}', (byte)'(');

    /// <summary>Ends a state, and gives it to its object.</summary>
    public void EndState() => Write((byte)'u', (byte)'b'); // SETITEMS BUILD

    public void BeginList()
    {
        Write((byte)']', (byte)'(');
        _inList = true;
        _batched = 0;
    }

    public void EndList()
    {
        Write((byte)'e');
        _inList = false;
    }

    public void BeginTuple()
    {
        BeginItem();
        _depth++;
        Write((byte)'(');
    }

    /// <summary>Ends a tuple and returns its number.</summary>
    public uint EndTuple()
    {
        _depth--;
        Write((byte)'t');
        return Remember();
    }

    /// <summary>Pushes an object again.</summary>
    public void Recall(uint number)
    {
        BeginItem();
        WithNumber('j', number);
    }

    public void Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        WithNumber('X', (uint)bytes.Length);
        _target.Write(bytes);
    }

    /// <summary>Pushes a text and returns its number.</summary>
    public uint RememberedText(string text)
    {
        Text(text);
        return Remember();
    }

    public void Integer(long number)
    {
        if (number is >= 0 and <= byte.MaxValue)
        {
            Write((byte)'K', (byte)number);
        }
        else if (number is >= int.MinValue and <= int.MaxValue)
        {
            WithNumber('J', (uint)(int)number);
        }
        else
        {
            var bytes = new BigInteger(number).ToByteArray();
            Write(0x8a, (byte)bytes.Length); // LONG1
            _target.Write(bytes);
        }
    }

    public void Dispose()
    {
        Write((byte)'.');
        _target.Flush();
    }

    private void BeginItem()
    {
        if (!_inList || _depth > 0 || _batched++ < Batch)
            return;

        Write((byte)'e', (byte)'('); // APPENDS MARK
        _batched = 1;
    }

    private uint Remember()
    {
        WithNumber('r', _remembered);
        return _remembered++;
    }

    private void WithNumber(char opcode, uint number)
    {
        Span<byte> bytes = stackalloc byte[5];
        bytes[0] = (byte)opcode;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[1..], number);
        _target.Write(bytes);
    }

    private void Write(params ReadOnlySpan<byte> bytes) => _target.Write(bytes);
}
