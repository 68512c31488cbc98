-- C frames, of recordings with the option native=stacks. A C function is a row of `code` like a Python function: its file is the image, its name
-- the symbol, its first line 0. Here is what makes it one.

CREATE TABLE native_code (
    code     INTEGER PRIMARY KEY REFERENCES code,
    image    TEXT NOT NULL,    -- the file, as the process named it; empty for code that was made at run time
    build_id TEXT NOT NULL,    -- in base 16; empty: it has none
    address  INTEGER NOT NULL, -- where the function begins, as the image counts addresses; without an image, in memory
    is_named INTEGER NOT NULL  -- 1: the name is a symbol. 0: none was found; `alloctrace symbols` looks again
);

-- What is missing of C stacks, by process.
CREATE TABLE native_stacks (
    process  INTEGER PRIMARY KEY REFERENCES process,
    cut      INTEGER NOT NULL, -- allocations whose C stack could not be followed to its end
    unplaced INTEGER NOT NULL  -- allocations in Python code whose C stack shows no interpreter loop: all of it is below the Python frames
);
