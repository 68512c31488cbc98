using AllocTrace.Report;
using AllocTrace.Report.Render;

using var output = Output.ForConsole();
return CommandLine.Run(args, output);
