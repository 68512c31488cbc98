using AllocTrace.Sessions;

namespace AllocTrace.Native.Tests;

/// <summary>Compares the library's table of options (session/options.c) with the other places that name the same options.</summary>
[TestClass]
public sealed class OptionTableTests
{
    /// <summary>The option that only the library has, because <c>run</c> always has a collector.</summary>
    private const string LibraryOnly = "collector";

    private static readonly string[] _options = NativeParts.Run("--options").Succeeded().Lines;

    [TestMethod]
    public void Recording_options_set_each_option_of_the_library()
    {
        var all = new RecordingOptions
        {
            Frames = 1,
            Sample = 1,
            Domains = "raw",
            Children = false,
            Limit = 1 << 24,
            OnFull = OnFull.Drop,
            Native = NativeMode.Malloc,
            Crash = true,
            Events = RecordingOptions.UsualEvents,
            ObjectsAtEnd = true,
            ObjectsAtPeak = true,
        };
        var names = all.ToEnvironment(collected: true).Split(',').Select(item => item.Split('=')[0]);
        CollectionAssert.AreEquivalent(_options, names.ToArray());
    }

    [TestMethod]
    public void Run_has_an_option_of_each_name()
    {
        var help = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "documents", "Run.txt"));
        foreach (var option in _options.Where(name => name != LibraryOnly))
            StringAssert.Matches(help, new($@"^  (-., )?--{option.Replace('_', '-')}\b", System.Text.RegularExpressions.RegexOptions.Multiline));
    }

    [TestMethod]
    public void Documentation_has_a_row_for_each_option()
    {
        var rows = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "documents", "embedding.md"))
            .SkipWhile(line => !line.StartsWith("| Name |", StringComparison.Ordinal)).Skip(2).TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Split('|')[1].Trim(' ', '`')).ToArray();
        CollectionAssert.AreEquivalent(_options, rows);
    }
}
