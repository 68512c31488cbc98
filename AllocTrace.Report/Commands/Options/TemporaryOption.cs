using System.CommandLine;

using AllocTrace.Sessions;

namespace AllocTrace.Report.Commands;

/// <summary><c>--temporary</c>, of the commands that collect.</summary>
internal static class TemporaryOption
{
    public static Option<int> Create()
    {
        var option = new Option<int>("--temporary")
        {
            Description = "A block is temporary when its thread frees it before N further allocations.",
            HelpName = "N",
            DefaultValueFactory = _ => new RecordingOptions().TemporaryThreshold,
        };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 1024)
                result.AddError("--temporary must be a number from 1 to 1024");
        });
        return option;
    }
}
