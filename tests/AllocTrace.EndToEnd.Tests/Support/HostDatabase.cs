using System.Diagnostics;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Waits for the database of a recording that was started by the variables alone: its collector is a process that nobody waits for.
/// </summary>
internal static class HostDatabase
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    /// <summary>Waits until the recording is over: the collector has removed its lock.</summary>
    public static void Await(string database)
    {
        var time = Stopwatch.StartNew();
        while (!File.Exists(database) || File.Exists($"{database}.lock"))
        {
            var error = $"{database}.error";
            Assert.IsFalse(File.Exists(error), File.Exists(error) ? File.ReadAllText(error) : "");
            Assert.IsLessThan(_timeout, time.Elapsed, $"no {database}: {string.Join(' ', Directory.GetFiles(Path.GetDirectoryName(database)!))}");
            Thread.Sleep(10);
        }
    }
}
