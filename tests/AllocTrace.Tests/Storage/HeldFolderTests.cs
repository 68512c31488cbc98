using System.Diagnostics;

using AllocTrace.Platform;
using AllocTrace.Storage;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;

namespace AllocTrace.Tests.Storage;

/// <summary>Root makes databases in a folder whose user exchanges it, or files in it, for links to elsewhere.</summary>
[TestClass]
public sealed class HeldFolderTests
{
    private const int OtherUser = 65534;

    private readonly TemporaryFolder _folder = new();

    private string Out => _folder.File("out");

    private string Moved => _folder.File("moved");

    private string Victim => _folder.File("victim");

    [TestInitialize]
    public void MakeFolders()
    {
        if (Environment.UserName != "root")
            throw new AssertInconclusiveException("this needs root");

        Directory.CreateDirectory(Out);
        Directory.CreateDirectory(Victim);
        File.WriteAllText(Path.Combine(Victim, "t.db"), "precious");
        using var process = Process.Start("chown", [$"{OtherUser}", Out]);
        process.WaitForExit();
    }

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    public void Database_is_made_in_the_folder_that_was_there()
    {
        using var target = new OutputFile(Path.Combine(Out, "t.db"));
        TraceWriter.CheckTarget(target, overwrite: true);
        Exchange();
        using (var writer = TraceWriter.Create(target, overwrite: true))
        {
            writer.Publish();
            writer.Complete();
        }

        AssertUntouched();
        CollectionAssert.AreEqual(new[] { Path.Combine(Moved, "t.db") }, Directory.GetFiles(Moved));
        using var database = TraceDatabase.Open(Path.Combine(Moved, "t.db"));
        Assert.IsEmpty(database.Processes);
    }

    [TestMethod]
    public void Messages_name_the_folder_as_the_user_did()
    {
        using var target = new OutputFile(Path.Combine(Out, "t.db"));
        using var writer = TraceWriter.Create(target, overwrite: false);
        File.WriteAllText(Path.Combine(Out, "t.db"), "of the user");
        StringAssert.Contains(Assert.ThrowsExactly<IOException>(writer.Complete).Message, $"{Out}/t.db");
    }

    /// <summary>SQLite opens the file by its name after it was made.</summary>
    [TestMethod]
    public void Link_in_the_place_of_an_unfinished_database_is_not_followed()
    {
        var victim = Path.Combine(Victim, "empty");
        File.WriteAllText(victim, "");
        using var target = new OutputFile(Path.Combine(Out, "t.db"));
        using var unfinished = new UnfinishedFile(target);
        File.Delete(unfinished.Path);
        File.CreateSymbolicLink(Path.Combine(Out, Path.GetFileName(unfinished.Path)), victim);
        Assert.Throws<Exception>(() =>
        {
            using var connection = new WriteConnection(unfinished.Path);
            connection.Execute("CREATE TABLE written (id INTEGER)");
        });
        Assert.AreEqual("", File.ReadAllText(victim));
    }

    [TestMethod]
    public void Recordings_are_merged_in_the_folder_that_was_there()
    {
        var source = _folder.File("source.db");
        using (var session = new SessionBuilder(_folder.File("one.alloctrace"), 4 << 20))
            session.AddThread("worker").Malloc(domain: 2, 4096, 100, 0);

        using (var writer = TraceWriter.Create(source, overwrite: false))
        using (var replayed = Replayed.From(_folder.File("one.alloctrace")))
        {
            writer.Add(replayed.Session, replayed.Replay, ProcessEnding.Finalized, []);
            writer.Complete();
        }

        TraceMerge.Write(Path.Combine(Out, "t.db"), overwrite: false, [source]);
        CollectionAssert.AreEqual(new[] { Path.Combine(Out, "t.db") }, Directory.GetFiles(Out), "and nothing is left");
    }

    /// <summary>Its databases are opened again and again by their paths.</summary>
    [TestMethod]
    public void Series_of_databases_is_not_made_where_another_user_can_exchange_it()
    {
        var series = Path.Combine(Out, "series");
        var problem = Assert.ThrowsExactly<IOException>(() => RollingDatabase.Open(series, TimeSpan.FromHours(1), 1 << 20));
        StringAssert.StartsWith(problem.Message, $"{series} cannot be used by root: another user can change it");
        Assert.IsFalse(Directory.Exists(series));
    }

    private void Exchange()
    {
        Directory.Move(Out, Moved);
        Directory.CreateSymbolicLink(Out, Victim);
    }

    private void AssertUntouched()
    {
        CollectionAssert.AreEqual(new[] { Path.Combine(Victim, "t.db") }, Directory.GetFiles(Victim));
        Assert.AreEqual("precious", File.ReadAllText(Path.Combine(Victim, "t.db")));
    }
}
