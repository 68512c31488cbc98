using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Fuzz;

/// <summary>A kind of file with its reader.</summary>
/// <param name="seeds">The sound files; in /dev/shm, where nothing is written to a disk.</param>
internal abstract class Target(IReadOnlyList<Seed> seeds) : IDisposable
{
    private readonly SafeFileHandle[] _files = [.. seeds.Select(seed => File.OpenHandle(seed.Path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete))];

    public IReadOnlyList<Seed> Seeds { get; } = seeds;

    /// <summary>Reads a damaged file.</summary>
    /// <returns>True if the input was accepted as sound.</returns>
    /// <exception cref="InvalidTraceException">It was refused; so may be an <see cref="IOException"/>. Any other exception is a fault.</exception>
    public bool Run(Input input)
    {
        var (file, seed) = (_files[input.Seed], Seeds[input.Seed]);
        if (input.Length != seed.Bytes.Length)
            RandomAccess.SetLength(file, input.Length);

        foreach (var (at, bytes) in input.Patches)
        {
            if (at + bytes.Length <= input.Length)
                RandomAccess.Write(file, bytes, at);
        }

        try
        {
            Prepare(seed);
            return Read(seed);
        }
        finally
        {
            foreach (var (at, bytes) in input.Patches)
                RandomAccess.Write(file, seed.Bytes.AsSpan(at, bytes.Length), at);

            if (input.Length != seed.Bytes.Length)
                RandomAccess.Write(file, seed.Bytes.AsSpan(input.Length), input.Length);

            Restore(seed, file);
        }
    }

    public virtual void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }

    /// <summary>Repairs the parts that would hide the damage, such as a checksum.</summary>
    protected virtual void Prepare(Seed seed)
    {
    }

    /// <summary>Undoes <see cref="Prepare"/>.</summary>
    protected virtual void Restore(Seed seed, SafeFileHandle file)
    {
    }

    protected abstract bool Read(Seed seed);

    /// <summary>Throws if a condition does not hold, although the library threw nothing.</summary>
    protected static void Require(bool condition, string what)
    {
        if (!condition)
            throw new InvalidOperationException($"wrong without a word: {what}");
    }
}
