using System.Runtime.CompilerServices;

namespace AllocTrace.Testing;

/// <summary>
/// Compares text with a file under the test project's <c>Expectations/</c>. With <c>ALLOCTRACE_ACCEPT=1</c>, writes the files instead: read
/// the differences before you commit them.
/// </summary>
public static class Expectation
{
    /// <summary>Fails the test unless the text equals the file <c>NAME.txt</c>.</summary>
    public static void Verify(string name, string text, [CallerFilePath] string caller = "")
    {
        if (Environment.GetEnvironmentVariable("ALLOCTRACE_ACCEPT") == "1")
        {
            var source = Path.Combine(ProjectOf(caller), "Expectations", name + ".txt");
            Directory.CreateDirectory(Path.GetDirectoryName(source)!);
            File.WriteAllText(source, text);
            return;
        }

        Assert.AreEqual(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Expectations", name + ".txt")), text);
    }

    private static string ProjectOf(string file)
    {
        var folder = Path.GetDirectoryName(file)!;
        while (Directory.GetFiles(folder, "*.csproj").Length == 0)
            folder = Path.GetDirectoryName(folder)!;

        return folder;
    }
}
