using System.Globalization;

namespace AllocTrace.Benchmarks.Targets;

/// <summary>The resources that a program used, as <c>measure</c> writes them.</summary>
/// <param name="Cpu">CPU time, user and system, in seconds.</param>
/// <param name="Wall">Elapsed time, in seconds.</param>
/// <param name="Resident">The largest resident memory, in bytes.</param>
internal sealed record Usage(double Cpu, double Wall, double Resident)
{
    /// <summary>Returns the least of each resource over several runs.</summary>
    public static Usage Least(IEnumerable<Usage> runs) =>
        runs.Aggregate((one, other) => new(Math.Min(one.Cpu, other.Cpu), Math.Min(one.Wall, other.Wall), Math.Min(one.Resident, other.Resident)));

    public static Usage Read(string path)
    {
        var numbers = Array.ConvertAll(File.ReadAllText(path).Split(' '), text => double.Parse(text, CultureInfo.InvariantCulture));
        return new((numbers[0] + numbers[1]) / 1e6, numbers[2] / 1e6, numbers[3] * 1024);
    }
}
