using System.CommandLine;

using AllocTrace.Report.Commands;

var root = new RootCommand("Which Python line, reached how, holds the memory of a program that embeds CPython") { new RunCommand(_ => { }) };
return root.Parse(args).Invoke(new InvocationConfiguration { ProcessTerminationTimeout = null });
