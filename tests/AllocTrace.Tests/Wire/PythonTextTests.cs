using System.Text;

using AllocTrace.Wire;

namespace AllocTrace.Tests.Wire;

[TestClass]
public sealed class PythonTextTests
{
    [TestMethod]
    [DataRow("ascii.py")]
    [DataRow("Grüße/日本語/🐍.py")]
    [DataRow("\uD7FF and 한")]
    [DataRow("")]
    public void Text_comes_back_as_it_was(string text) => Assert.AreEqual(text, PythonText.Decode(Encoding.UTF8.GetBytes(text)));

    [TestMethod]
    public void Lone_surrogates_are_spelled_out() =>
        Assert.AreEqual(@"a\udcffb\ud800", PythonText.Decode([(byte)'a', 0xED, 0xB3, 0xBF, (byte)'b', 0xED, 0xA0, 0x80]));

    [TestMethod]
    public void Invalid_bytes_become_replacement_characters() =>
        Assert.AreEqual("\uFFFDx\uFFFD", PythonText.Decode([0xFF, (byte)'x', 0xED]));
}
