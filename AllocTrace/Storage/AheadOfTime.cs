// Dapper's commands are compiled here rather than made while the program runs, which one compiled ahead of time cannot do.
[module: Dapper.DapperAot]
