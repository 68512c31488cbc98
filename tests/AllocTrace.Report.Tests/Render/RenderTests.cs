using AllocTrace.Analysis;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Tests.Render;

[TestClass]
public sealed class RenderTests
{
    [TestMethod]
    [DataRow("/srv/app.py", 40, "/srv/app.py")]
    [DataRow("/no/such/site-packages/numpy/core/numeric.py", 24, "…/numpy/core/numeric.py")]
    [DataRow("a_very_long_name_without_folders.py", 12, "…_folders.py")]
    [DataRow("/srv/a_very_long_name.py", 10, "…g_name.py")]
    public void Paths_lose_their_beginning(string path, int width, string expected) => Assert.AreEqual(expected, ShortPath.Fit(path, width));

    [TestMethod]
    [DataRow("app.db", "app.db")]
    [DataRow("my app.db", "'my app.db'")]
    [DataRow("it's.db", "'it'\\''s.db'")]
    [DataRow("", "''")]
    [DataRow("$(rm).db", "'$(rm).db'")]
    public void Words_are_quoted_for_the_shell(string word, string expected) => Assert.AreEqual(expected, ShellWord.Quote(word));

    [TestMethod]
    [DataRow("é \U0001F600.py", "é \U0001F600.py")]
    [DataRow("a\x1b[31mb", "a\\x1b[31mb")]
    [DataRow("a\nb\tc", "a\\x0ab\\x09c")]
    [DataRow("c1\u009bx", "c1\\x9bx")]
    [DataRow("bidi\u202ex", "bidi\\u202ex")]
    public void Control_characters_are_replaced(string text, string expected) => Assert.AreEqual(expected, Printable.Text(text));

    [TestMethod]
    public void Source_that_changed_after_the_recording_is_not_shown()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "first\n    second\n\n");
            var written = new DateTimeOffset(File.GetLastWriteTimeUtc(file));
            Assert.AreEqual("second", new SourceFiles(written).Find(file, 2));
            Assert.IsNull(new SourceFiles(written).Find(file, 3));
            Assert.IsNull(new SourceFiles(written).Find(file, 9));
            Assert.IsNull(new SourceFiles(written.AddSeconds(-1)).Find(file, 2));
            Assert.IsNull(new SourceFiles(written).Find("<string>", 1));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
