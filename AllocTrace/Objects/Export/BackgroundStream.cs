using System.Buffers;
using System.Collections.Concurrent;

namespace AllocTrace.Objects;

/// <summary>Passes what is written to another stream in a thread of its own, so that it is compressed while the next part is computed.</summary>
internal sealed class BackgroundStream : Stream
{
    /// <summary>The most parts that wait: who writes them waits then.</summary>
    private const int MostParts = 8;

    private readonly BlockingCollection<(byte[] Bytes, int Length)> _parts = new(MostParts);
    private readonly Stream _stream;
    private readonly Task _passing;

    /// <param name="stream">The stream that gets everything, which stays open. Used by the other thread alone until this stream is disposed of.</param>
    public BackgroundStream(Stream stream)
    {
        _stream = stream;
        _passing = Task.Factory.StartNew(Pass, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(buffer.Length);
        buffer.CopyTo(bytes);
        _parts.Add((bytes, buffer.Length));
    }

    /// <summary>Does nothing: parts are passed as they come.</summary>
    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Waits until everything is written.</summary>
    /// <exception cref="IOException">The other stream refused it; or another exception of that stream.</exception>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing)
            return;

        _parts.CompleteAdding();
        _passing.GetAwaiter().GetResult();
        _parts.Dispose();
    }

    private void Pass()
    {
        try
        {
            foreach (var (bytes, length) in _parts.GetConsumingEnumerable())
            {
                _stream.Write(bytes, 0, length);
                ArrayPool<byte>.Shared.Return(bytes);
            }
        }
        finally
        {
            _parts.CompleteAdding(); // or a writer would wait for ever
        }
    }
}
