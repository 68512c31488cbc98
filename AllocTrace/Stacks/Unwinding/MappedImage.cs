using System.Buffers.Binary;

namespace AllocTrace.Stacks;

/// <summary>An image as a process has mapped it: an ELF file, or the system's [vdso].</summary>
/// <param name="Index">The address of its <c>.eh_frame_hdr</c>; 0 if it has none.</param>
/// <param name="BuildId">Its GNU build id, in base 16; empty if it has none.</param>
internal sealed record MappedImage(ulong Index, string BuildId)
{
    private const int HeaderBytes = 64, SegmentBytes = 56, MostSegments = 256, MostNotes = 1 << 16;
    private const uint Loaded = 1, Notes = 4, UnwindIndex = 0x6474e550;

    /// <summary>Reads the head of an image.</summary>
    /// <param name="pages">The process's memory.</param>
    /// <param name="head">The address of the first byte of the file.</param>
    /// <returns><see langword="null"/>: it is no image.</returns>
    public static MappedImage? At(CodePages pages, ulong head)
    {
        try
        {
            var header = pages.Read(head, HeaderBytes);
            if (!header.AsSpan().StartsWith("\u007fELF\u0002\u0001"u8))
                return null;

            int count = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(56));
            var segments = pages.Read(head + Word(header, 32), Math.Min(count, MostSegments) * SegmentBytes);
            var start = head;
            var index = 0UL;
            for (var at = 0; at < segments.Length; at += SegmentBytes)
            {
                var type = BinaryPrimitives.ReadUInt32LittleEndian(segments.AsSpan(at));
                if (type == Loaded && Word(segments, at + 8) == 0)
                    start = head - Word(segments, at + 16);
                else if (type == UnwindIndex)
                    index = Word(segments, at + 16);
            }

            return new MappedImage(index == 0 ? 0 : start + index, BuildIdOf(pages, segments, start));
        }
        catch (DamagedTableException)
        {
            return null;
        }
    }

    private static string BuildIdOf(CodePages pages, byte[] segments, ulong start)
    {
        for (var at = 0; at < segments.Length; at += SegmentBytes)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(segments.AsSpan(at)) != Notes || Word(segments, at + 32) > MostNotes)
                continue;
            if (Platform.ElfImage.BuildIdIn(pages.Read(start + Word(segments, at + 16), (int)Word(segments, at + 32))) is { } id)
                return id;
        }

        return "";
    }

    private static ulong Word(byte[] table, int at) => BinaryPrimitives.ReadUInt64LittleEndian(table.AsSpan(at));
}
