using AllocTrace.Tests.Support;

namespace AllocTrace.Tests.Replay;

/// <summary>
/// Tests the argument of docs/ordering.md with a model: threads that pass one address around take every step of the protocol at random
/// times, and so does the collector. It must never replay a record before one on which the record depends.
/// </summary>
[TestClass]
public sealed class OrderedCutTests
{
    private const int Programs = 20_000;

    [TestMethod]
    public void Nothing_is_replayed_before_what_it_depends_on()
    {
        for (var seed = 0; seed < Programs; seed++)
            Assert.IsNull(new OrderingModel(new Random(seed), looksAtLastWriterFirst: true).Run(), $"seed {seed}");
    }

    [TestMethod]
    public void Cut_is_consistent_because_the_last_writer_is_read_first()
    {
        var faults = Enumerable.Range(0, Programs).Count(seed => new OrderingModel(new Random(seed), looksAtLastWriterFirst: false).Run() is not null);
        Assert.IsTrue(faults > 0, "the model finds the fault of a collector that looks in any order");
    }
}
