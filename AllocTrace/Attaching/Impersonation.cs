using System.Runtime.ExceptionServices;

namespace AllocTrace.Attaching;

/// <summary>
/// Handles files with the rights of another process's user. Root may write where that user may not, and passes files to it.
/// </summary>
internal static unsafe class Impersonation
{
    // The C library's wrappers would change all threads; these calls change the one that makes them.
    private const nint SetGroups = 116, SetFileSystemUser = 122, SetFileSystemGroup = 123;

    /// <summary>Does it in a thread of its own, unless the process is this user's anyway.</summary>
    public static T As<T>(TargetStatus whose, Func<T> action)
    {
        var own = TargetStatus.Of((uint)Environment.ProcessId);
        if (own is not { User: 0 } || whose.User == 0)
            return action();

        T result = default!;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                fixed (uint* groups = whose.Groups)
                    LibC.SystemCall(SetGroups, whose.Groups.Length, (nint)groups);

                LibC.SystemCall(SetFileSystemGroup, (nint)whose.Group, 0);
                LibC.SystemCall(SetFileSystemUser, (nint)whose.User, 0);
                result = action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }
}
