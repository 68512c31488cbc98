using System.Diagnostics;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Storage;
using AllocTrace.Testing;
using Microsoft.Data.Sqlite;

namespace AllocTrace.Report.Tests.Agent;

/// <summary>Kills the command at any time while it follows processes, starts it again, and ends it by SIGTERM.</summary>
[TestClass]
public sealed class KilledAgentTests
{
    private const int Kills = 4;

    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    /// <summary>
    /// Requires that each allocated byte is in the databases once, and that the receiver got each profile. A profile may arrive twice, with
    /// the same id.
    /// </summary>
    [TestMethod]
    public void Killed_agent_loses_nothing()
    {
        using var receiver = new HttpReceiver();
        var sessions = Directory.CreateDirectory(_folder.File("sessions")).FullName;
        var session = new BuiltSession(Path.Combine(sessions, "one.alloctrace"), isAlive: true, capacity: 64 << 20);
        for (var i = 0; i <= Kills; i++)
        {
            using var agent = Start(sessions, receiver.Address);
            for (var end = Environment.TickCount64 + 700 + (137 * i); Environment.TickCount64 < end; Thread.Sleep(1))
                session.Run(5);

            if (i < Kills)
            {
                agent.Kill(); // SIGKILL
                agent.WaitForExit();
                continue;
            }

            session.End();
            session.Dispose();
            for (var end = Environment.TickCount64 + 30_000; Directory.EnumerateFiles(sessions).Any() && Environment.TickCount64 < end;)
                Thread.Sleep(20);

            Assert.AreEqual(0, Command.Run("kill", ["-TERM", $"{agent.Id}"]).ExitCode);
            Assert.IsTrue(agent.WaitForExit(30_000));
            Assert.AreEqual(0, agent.ExitCode);
        }

        var files = Directory.GetFiles(_folder.File("databases"), "*.db");
        Assert.AreEqual(session.Allocated.Values.Sum(), files.Sum(file => Number(file, "SELECT ifnull(sum(allocated_bytes), 0) FROM site")));
        Assert.AreEqual(session.Freed, files.Sum(file => Number(file, "SELECT ifnull(sum(freed_bytes), 0) FROM site")));
        Assert.AreEqual(0, files.Sum(file => Number(file, "SELECT count(*) FROM loss")));

        var samples = receiver.Requests.SelectMany(OtlpReader.Samples).Where(sample => sample.Type == "alloc_space").ToArray();
        var once = samples.GroupBy(sample => sample.Id).Select(same => same.GroupBy(sample => (string.Join(';', sample.Frames), sample.Attributes["alloctrace.domain"])).Sum(site => site.First().Value));
        Assert.AreEqual(session.Allocated.Values.Sum(), once.Sum());
    }

    private Process Start(string sessions, string receiver)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "AllocTrace.Report.dll"), "agent", sessions, "-o", _folder.File("databases"), "--every", "100ms", "--otlp", receiver])
        {
            RedirectStandardError = true,
        };
        var agent = Process.Start(start)!;
        StringAssert.Contains(agent.StandardError.ReadLine(), "following ");
        _ = agent.StandardError.ReadToEndAsync();
        return agent;
    }

    private static long Number(string file, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={file};Mode=ReadOnly;Pooling=False");
        connection.Open();
        return connection.Number(sql);
    }
}
