namespace AllocTrace.Native.Tests;

/// <summary>Runs each test of parts/ as one of its own.</summary>
[TestClass]
public sealed class PartsTests
{
    public static IEnumerable<object[]> Names => NativeParts.Run("--list").Succeeded().Lines.Select(name => new object[] { name });

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Part(string name) => NativeParts.Run(name).Succeeded();
}
