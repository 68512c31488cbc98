using System.CommandLine;
using AllocTrace.Platform;
using AllocTrace.Report.Commands;
using AllocTrace.Report.Push;
using AllocTrace.Report.Render;
using AllocTrace.Sessions;

namespace AllocTrace.Report;

/// <summary>Runs a command line: an error is one line on the error output and an exit code, never a stack trace.</summary>
internal static class CommandLine
{
    public static int Run(IReadOnlyList<string> arguments, Output output)
    {
        try
        {
            FileSizeLimit.Survive();
            var root = new Root(output, arguments.FirstOrDefault());
            var parsed = UsageError.Parse(root, ProgramArguments.Separate(root, arguments));
            if (parsed.Errors.Count > 0)
                throw new UsageException(UsageError.Describe(parsed));

            var code = parsed.Invoke(new InvocationConfiguration
            {
                Output = output.Out,
                Error = output.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null, // run decides about signals itself: they are the child's
            });
            output.Out.Flush();
            return code;
        }
        catch (UsageException e)
        {
            return Fail(output, ExitCode.WrongUsage, e.Message);
        }
        catch (InvalidTraceException e)
        {
            return Fail(output, ExitCode.InvalidTrace, e.Message);
        }
        catch (CommandNotStartedException e)
        {
            return Fail(output, e.ExitCode, e.Message);
        }
        catch (FileNotFoundException e)
        {
            return Fail(output, ExitCode.Failed, $"no such file: {e.FileName}{ForProcess(Path.GetFileName(e.FileName))}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return Fail(output, ExitCode.Failed, e.Message);
        }
        catch (Exception e)
        {
            return Fail(output, ExitCode.Failed, $"internal error: {e.GetType().Name}: {e.Message}");
        }
    }

    /// <summary>Returns a hint for a number in place of a recording: the user means a process.</summary>
    private static string ForProcess(string? name) => uint.TryParse(name, out var pid)
        ? $". Reports read recordings. For process {pid}, 'alloctrace attach {pid} -o FILE.db' makes one, 'alloctrace live {pid}' shows one in progress, and 'alloctrace stack {pid}' prints its stacks"
        : "";

    private static int Fail(Output output, int code, string message)
    {
        output.Error.WriteLine($"alloctrace: {Printable.Text(Secrets.Hidden(message.ReplaceLineEndings(" ")))}");
        return code;
    }
}
