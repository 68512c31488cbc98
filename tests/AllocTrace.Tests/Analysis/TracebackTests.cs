using AllocTrace.Analysis;

namespace AllocTrace.Tests.Analysis;

[TestClass]
public sealed class TracebackTests
{
    private static readonly Frame _a = new("a.py", 1, "f");
    private static readonly Frame _b = new("b.py", 2, "g");

    [TestMethod]
    public void Tracebacks_with_equal_frames_are_equal()
    {
        Assert.AreEqual(new Traceback(_a, _b), new Traceback(_a, _b));
        Assert.AreEqual(new Traceback(_a, _b).GetHashCode(), new Traceback(_a, _b).GetHashCode());
        Assert.AreNotEqual(new Traceback(_a, _b), new Traceback(_b, _a));
    }

    [TestMethod]
    public void Tracebacks_are_ordered_from_the_oldest_frame_on()
    {
        Traceback[] ordered = [Traceback.Empty, new(_a), new(_a, _a), new(_a, _b), new(_b)];
        CollectionAssert.AreEqual(ordered, ordered.Reverse().Order().ToArray());
    }

    [TestMethod]
    public void Newest_frame_is_the_last()
    {
        Assert.AreEqual(_b, new Traceback(_a, _b).Newest);
        Assert.IsNull(Traceback.Empty.Newest);
    }
}
