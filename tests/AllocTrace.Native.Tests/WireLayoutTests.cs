using AllocTrace.Testing;
using AllocTrace.Wire;

namespace AllocTrace.Native.Tests;

/// <summary>Compares the session's structures in C# with those that the C compiler makes of wire.h.</summary>
[TestClass]
public sealed class WireLayoutTests
{
    [TestMethod]
    public void Every_member_has_the_same_offset_and_size_in_C_and_in_CSharp()
    {
        var header = NativeParts.Run("--wire-layout").Succeeded().Lines;
        var ours = WireLayout.Describe().TrimEnd('\n').Split('\n');
        CollectionAssert.AreEquivalent(header, (string[])[.. ours, $"crash.text {WireFormat.CrashTextOffset}"]);
    }
}
