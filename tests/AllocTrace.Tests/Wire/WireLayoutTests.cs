using AllocTrace.Testing;

namespace AllocTrace.Tests.Wire;

[TestClass]
public sealed class WireLayoutTests
{
    [TestMethod]
    public void Members_are_named_as_in_the_header()
    {
        var lines = WireLayout.Describe().Split('\n');
        CollectionAssert.IsSubsetOf(
            (string[])
            [
                "alloctrace_session.magic 0 8", "alloctrace_session.tracked_domain 100 64", "alloctrace_session.released_slabs 720 8",
                "alloctrace_thread.name 48 16", "alloctrace_slab.started_ns 24 8", "alloctrace_node.line 8 4", "alloctrace_code.first_line 12 4",
            ],
            lines);
    }
}
