using System.Runtime.CompilerServices;

namespace AllocTrace.Wire;

/// <summary>Decodes records (docs/wire-format.md). The only place that knows how long each kind is and where its parts are.</summary>
internal static unsafe class RecordReader
{
    /// <summary>The bytes of a BATCH record.</summary>
    public const int BatchBytes = 16;

    /// <summary>From a kind of record to its wide form.</summary>
    private const uint WideKinds = RecordKind.MallocWide - RecordKind.Malloc;

    /// <summary>
    /// The distance ahead at which a record is expected, in bytes: about a dozen records, which take as long as a word from memory. The
    /// place may be the second word of a record.
    /// </summary>
    private const int AheadBytes = 192;

    private const int ShortBytes = 8, BlockBytes = 16, WideBytes = 24, MarkBytes = 16, RangeBytes = 16, LostBytes = 24, ContextBytes = 32;

    /// <summary>Reads a thread's records to <paramref name="end"/>, to the first BATCH before that, or to one at which the visitor stops.</summary>
    /// <typeparam name="T">A structure, so that its methods are compiled into the loop.</typeparam>
    /// <param name="at">The first record.</param>
    /// <param name="end">The end of what is committed, in the same slab.</param>
    /// <param name="visitor">Gets them. By value, so that what it holds stays in registers.</param>
    /// <returns>The first record that was not read, or <paramref name="end"/>.</returns>
    public static byte* Read<T>(byte* at, byte* end, T visitor)
        where T : struct, IRecordVisitor
    {
        while (at < end)
        {
            var word = *(ulong*)at;
            var tag = (uint)(word >> WireFormat.OperandBits);
            var address = word & WireFormat.OperandMask;
            var room = end - at;
            var ahead = room > AheadBytes ? *(ulong*)(at + AheadBytes) : word;
            visitor.Expect((uint)(ahead >> WireFormat.OperandBits), ahead & WireFormat.OperandMask);
            switch ((RecordKind)(tag >> 4))
            {
                case RecordKind.Malloc or RecordKind.Calloc when room >= BlockBytes:
                    var second = *(ulong*)(at + 8);
                    if (!visitor.Allocate(tag, address, (uint)second, (uint)(second >> 32)))
                        return at;

                    at += BlockBytes;
                    break;

                case RecordKind.Free:
                    visitor.Free(tag, address);
                    at += ShortBytes;
                    break;

                case RecordKind.Realloc when room >= BlockBytes:
                    if (!visitor.Reallocate(tag, address, *(uint*)(at + 8), *(uint*)(at + 12)))
                        return at;

                    at += BlockBytes;
                    break;

                default:
                    var next = ReadOther(at, end, visitor);
                    if (next == at)
                        return at;

                    at = next;
                    break;
            }
        }

        return at;
    }

    /// <summary>Reads a BATCH record.</summary>
    public static (ulong Ticket, ulong MonoNs) ReadBatch(byte* at) => (*(ulong*)at & WireFormat.OperandMask, *(ulong*)(at + 8));

    /// <summary>Reads a record that is rare.</summary>
    /// <returns>The next one; <paramref name="at"/> when this one was not read.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* ReadOther<T>(byte* at, byte* end, T visitor)
        where T : struct, IRecordVisitor
    {
        var word = *(ulong*)at;
        var tag = (uint)(word >> WireFormat.OperandBits);
        var operand = word & WireFormat.OperandMask;
        var room = end - at;
        switch ((RecordKind)(tag >> 4))
        {
            case RecordKind.MallocWide or RecordKind.CallocWide when room >= WideBytes:
                return visitor.Allocate(tag - (WideKinds << 4), operand, *(ulong*)(at + 16), *(uint*)(at + 12)) ? at + WideBytes : at;

            case RecordKind.ReallocWide when room >= WideBytes:
                return visitor.Reallocate(tag - (WideKinds << 4), operand, *(ulong*)(at + 16), *(uint*)(at + 12)) ? at + WideBytes : at;

            case RecordKind.ReallocBegin:
                visitor.BeginRealloc(tag, operand);
                return at + ShortBytes;

            case RecordKind.ReallocFailed:
                visitor.FailRealloc(tag, operand);
                return at + ShortBytes;

            case RecordKind.Age:
                return visitor.Age(operand) ? at + ShortBytes : at;

            case RecordKind.Batch when room >= BatchBytes:
                return at;

            case RecordKind.Mark when room >= MarkBytes:
                visitor.Mark((MarkKind)(tag & 15), operand, *(ulong*)(at + 8));
                return at + MarkBytes;

            case RecordKind.Unmap when room >= RangeBytes:
                return visitor.Unmap(tag, operand, *(ulong*)(at + 8)) ? at + RangeBytes : at;

            case RecordKind.Lost when room >= LostBytes:
                visitor.Lose(operand, *(ulong*)(at + 8), *(ulong*)(at + 16));
                return at + LostBytes;

            case RecordKind.Context when room >= ContextBytes:
                return visitor.Context(*(SpanContext*)(at + 8)) ? at + ContextBytes : at;

            default:
                visitor.Refuse(tag >> 4, room);
                return at;
        }
    }
}
