using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The resident memory of one process, as far as the recording has it.</summary>
/// <param name="Process">The process.</param>
/// <param name="Account">The account; <see langword="null"/> if there is none (<see cref="WhyNone"/> has the reason).</param>
/// <param name="Group">The control group that limits its memory; <see langword="null"/> if none is known.</param>
/// <param name="HighestBytes">The largest number of resident bytes that was read; <see langword="null"/> if none was.</param>
internal sealed record ResidentMemory(TraceProcess Process, TraceMemory? Account, TraceControlGroup? Group, long? HighestBytes)
{
    /// <summary>True if the kernel killed processes of the group while this one was recorded, and this one was killed.</summary>
    public bool WasKilledAtLimit => Process.Ending == ProcessEnding.Killed && Group is { Kills: > 0 };

    /// <summary>The reason for which there is no account, as a clause.</summary>
    public string WhyNone => Process.Ending switch
    {
        ProcessEnding.Killed => "it was killed before its interpreter began to finalize",
        ProcessEnding.Replaced => "it went on as another program before its interpreter began to finalize",
        ProcessEnding.Running or ProcessEnding.Stopped => "it had not begun to finalize when the recording ended; 'alloctrace memory PID' looks at a running one",
        ProcessEnding.Finalized => "it was recorded by an older version, or the session had no room for it",
        _ => "it ended without finalizing its interpreter, as with os._exit",
    };

    /// <summary>Finds the account of a process.</summary>
    /// <param name="database">The recording.</param>
    /// <param name="process">One of its processes.</param>
    /// <param name="at">The name of a snapshot; <see langword="null"/> for the beginning of finalization.</param>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    public static ResidentMemory Of(TraceDatabase database, TraceProcess process, string? at = null)
    {
        var account = database.MemoryAccounts.LastOrDefault(account => account.Process == process.Id && (at is null ? account.Kind == SnapshotKind.Live : account.Kind == SnapshotKind.Named && account.Name == at));
        var highest = database.Slices.Where(slice => slice.Process == process.Id).Max(slice => slice.ResidentBytes);
        return new ResidentMemory(process, account, database.ControlGroups.FirstOrDefault(group => group.Process == process.Id), highest);
    }
}
