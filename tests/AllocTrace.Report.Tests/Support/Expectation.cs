using System.Runtime.CompilerServices;

namespace AllocTrace.Report.Tests.Support;

/// <summary>
/// Compares text with a file under <c>Expectations/</c>. With <c>ALLOCTRACE_ACCEPT=1</c> the files are written instead: look at what
/// changed before you commit it.
/// </summary>
internal static class Expectation
{
    public static void Verify(string name, string text, [CallerFilePath] string caller = "")
    {
        if (Environment.GetEnvironmentVariable("ALLOCTRACE_ACCEPT") == "1")
        {
            var source = Path.Combine(Path.GetDirectoryName(caller)!, "..", "Expectations", name + ".txt");
            Directory.CreateDirectory(Path.GetDirectoryName(source)!);
            File.WriteAllText(source, text);
            return;
        }

        Assert.AreEqual(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Expectations", name + ".txt")), text);
    }
}
