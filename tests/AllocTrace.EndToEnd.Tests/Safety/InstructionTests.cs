using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Counts the instructions of the common allocation and the common free by callgrind: they do not depend on the load of the machine.
/// </summary>
[TestClass]
public sealed class InstructionTests
{
    private const int Objects = 4000;
    private const double Allocation = 110, AllocationTo312 = 118, Free = 40;

    public static IEnumerable<object[]> Pythons =>
        Python.Corners.Where(python => python.Minor >= 11 && !python.IsFreeThreaded).Select(python => new object[] { python });

    /// <summary>
    /// Counts an allocation with the stack of the last one, seven frames deep, and its free. Up to 3.12 the frame is one load further away;
    /// up to 3.11 the attached thread state may be another thread's.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(Pythons))]
    public void The_common_calls_stay_within_their_budgets(Python python)
    {
        var some = Count(python, Objects);
        var twice = Count(python, 2 * Objects);
        var each = twice.ToDictionary(pair => pair.Key, pair => (pair.Value - some.GetValueOrDefault(pair.Key)) / (double)Objects);
        var free = each.Where(pair => pair.Key.StartsWith("free_", StringComparison.Ordinal)).Sum(pair => pair.Value);
        var allocation = each.Values.Sum() - free;
        Console.WriteLine($"{python}: {allocation:F1} for an allocation, {free:F1} for a free");
        Assert.IsTrue(allocation > 10 && free > 10, $"nothing was counted: {allocation:F1}, {free:F1}");
        Assert.IsTrue(free <= Free + 1, $"{free:F1} instructions for a free, at most {Free}");
        var most = python.Minor <= 12 ? AllocationTo312 : Allocation;
        Assert.IsTrue(allocation <= most + 1, $"{allocation:F1} instructions for an allocation, at most {most}");
    }

    /// <summary>
    /// Returns the instructions of each of the library's functions, and of the function of CPython that it calls, by name.
    /// </summary>
    private static Dictionary<string, long> Count(Python python, int objects)
    {
        using var folder = new TemporaryFolder();
        var program = Path.Combine(AppContext.BaseDirectory, "programs", "seven_frames.py");
        string[] arguments =
        [
            "--tool=callgrind", "--trace-children=yes", "--compress-strings=no", "--compress-pos=no", $"--callgrind-out-file={folder.File("cost.%p")}",
            python.Path, "-S", program, $"{objects}",
        ];
        var environment = new Dictionary<string, string?>
        {
            ["LD_PRELOAD"] = Alloctrace.Library,
            ["ALLOCTRACE"] = folder.Path,
            ["ALLOCTRACE_OPTIONS"] = "collector=off",
            ["PYTHONHASHSEED"] = "0",
        };
        try
        {
            Command.Run("valgrind", arguments, environment: environment).Succeeded();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Inconclusive("no valgrind");
        }
        var costs = new Dictionary<string, long>();
        foreach (var file in folder.Files("cost.*"))
            Add(costs, file);
        return costs;
    }

    /// <summary>
    /// Adds the costs of a function, in callgrind's format: "fn=" names the function whose lines follow, and the line after "calls=" is the
    /// cost of the function that it called.
    /// </summary>
    private static void Add(Dictionary<string, long> costs, string file)
    {
        string library = "", function = "";
        var isCall = false;
        foreach (var line in File.ReadLines(file))
        {
            if (line.StartsWith("ob=", StringComparison.Ordinal))
                library = Path.GetFileName(line[3..]);
            else if (line.StartsWith("fn=", StringComparison.Ordinal))
                function = line[3..];
            else if (line.StartsWith("calls=", StringComparison.Ordinal))
                isCall = true;
            else if (line.Length > 0 && char.IsAsciiDigit(line[0]) && !isCall && IsCounted(library, function))
                costs[function] = costs.GetValueOrDefault(function) + long.Parse(line.Split(' ')[1]);
            else
                isCall = isCall && !(line.Length > 0 && char.IsAsciiDigit(line[0]));
        }
    }

    private static bool IsCounted(string library, string function) =>
        library == "liballoctrace.so" || function is "PyThreadState_GetUnchecked" or "_PyThreadState_UncheckedGet";
}
