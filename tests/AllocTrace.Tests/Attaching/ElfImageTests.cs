using System.Globalization;

using AllocTrace.Platform;
using AllocTrace.Testing;

namespace AllocTrace.Tests.Attaching;

/// <summary>Compares the reader of ELF files with binutils.</summary>
[TestClass]
public sealed class ElfImageTests
{
    private static readonly string _library = Path.Combine(AppContext.BaseDirectory, "runtimes", $"linux-{(Environment.Is64BitProcess && System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "x64")}", "native", "liballoctrace.so");

    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    public void Exported_symbols_have_the_addresses_that_nm_says()
    {
        SkipWithout("nm");
        var expected = Command.Run("nm", ["-D", "--defined-only", _library]).Succeeded().Lines
            .Select(line => line.Split(' ')).Where(parts => parts is [_, "T", _]).ToDictionary(parts => parts[2].Split('@')[0], parts => ulong.Parse(parts[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        Assert.IsTrue(expected.ContainsKey("alloctrace_start"));
        var found = ElfImage.TryOpen(_library)!.Symbols([.. expected.Keys, "no_such_symbol", "alloctrace_star"]);
        CollectionAssert.AreEquivalent(expected, found);
    }

    [TestMethod]
    public void Sections_have_the_addresses_that_readelf_says()
    {
        SkipWithout("readelf");
        var image = ElfImage.TryOpen(_library)!;
        foreach (var parts in Command.Run("readelf", ["-SW", _library]).Succeeded().Lines.Select(line => line.Split(']')).Where(parts => parts.Length == 2)
            .Select(parts => parts[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(parts => parts.Length > 3 && parts[0] is ".text" or ".data" or ".dynsym"))
            Assert.AreEqual(ulong.Parse(parts[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture), image.Section(parts[0]), parts[0]);

        Assert.IsNull(image.Section(".no_such_section"));
    }

    [TestMethod]
    public void A_file_of_another_kind_is_none()
    {
        Assert.IsNull(ElfImage.TryOpen(_folder.File("missing")));
        Assert.IsNull(ElfImage.TryOpen(_folder.Path));
        Assert.IsNull(ElfImage.TryOpen("/dev/null"));
        File.WriteAllText(_folder.File("text"), new string('x', 100));
        Assert.IsNull(ElfImage.TryOpen(_folder.File("text")));
        File.WriteAllBytes(_folder.File("narrow"), [.. "\u007fELF\u0001\u0001"u8, .. new byte[100]]);
        Assert.IsTrue(ElfImage.IsOf32Bits(_folder.File("narrow")));
        Assert.IsNull(ElfImage.TryOpen(_folder.File("narrow")));
    }

    /// <summary>Cuts a file or changes a number in it: it is damaged or has fewer symbols, and no other exception is thrown.</summary>
    [TestMethod]
    public void A_damaged_file_is_refused()
    {
        var whole = File.ReadAllBytes(_library);
        var path = _folder.File("damaged.so");
        File.WriteAllBytes(path, whole[..(whole.Length / 2)]);
        Assert.ThrowsExactly<IOException>(() => ElfImage.TryOpen(path));
        var random = new Random(1);
        for (var round = 0; round < 40; round++)
        {
            var bytes = (byte[])whole.Clone();
            bytes[random.Next(16, 64)] ^= (byte)(1 << random.Next(8)); // in the header
            File.WriteAllBytes(path, bytes);
            try
            {
                _ = ElfImage.TryOpen(path)?.Symbols("alloctrace_start");
            }
            catch (IOException)
            {
                // Damage was found.
            }
        }
    }

    private static void SkipWithout(string program)
    {
        if (!ToolPath.Exists(program))
            Assert.Inconclusive($"no {program} on this machine");
    }
}
