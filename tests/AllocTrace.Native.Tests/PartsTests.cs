namespace AllocTrace.Native.Tests;

/// <summary>Each test of parts/ is one here.</summary>
[TestClass]
public sealed class PartsTests
{
    public static IEnumerable<object[]> Names => NativeParts.Run("--list").Succeeded().Lines.Select(name => new object[] { name });

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Part(string name) => NativeParts.Run(name).Succeeded();
}
