namespace AllocTrace.Report.Push;

/// <summary>A profile on its way.</summary>
/// <param name="Address">Where it goes.</param>
/// <param name="Content">A compressed pprof profile.</param>
internal sealed record PushedProfile(Uri Address, byte[] Content);
