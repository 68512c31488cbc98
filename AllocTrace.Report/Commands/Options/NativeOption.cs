using System.CommandLine;

using AllocTrace.Sessions;

namespace AllocTrace.Report.Commands;

/// <summary>The option <c>--native</c>.</summary>
internal static class NativeOption
{
    public static Option<string> Create()
    {
        var option = new Option<string>("--native")
        {
            Description = "Record allocations of C code, too: malloc and mmap, as domains of these names. With stacks: with the C stack.",
            DefaultValueFactory = _ => "off",
        };
        option.AcceptOnlyFromAmong("off", "malloc", "stacks");
        return option;
    }

    public static NativeMode Read(ParseResult parsed, Option<string> option) => parsed.GetValue(option) switch
    {
        "malloc" => NativeMode.Malloc,
        "stacks" => NativeMode.Stacks,
        _ => NativeMode.Off,
    };
}
