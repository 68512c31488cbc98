-- The database that a recording becomes. docs/schema.md explains it with queries to start from.
-- Sizes are bytes as requested by the program; "blocks" are allocations. Times are nanoseconds: *_at since 1970 (UTC), *_ns since the
-- process's recording began. Paths and names are text as CPython shows them.

PRAGMA application_id = 1095521347; -- 'ALTC'
PRAGMA user_version = 2;

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE process (
    id             INTEGER PRIMARY KEY,
    pid            INTEGER NOT NULL,
    parent_pid     INTEGER NOT NULL,
    command        TEXT NOT NULL,    -- arguments, quoted as a shell needs them
    executable     TEXT NOT NULL,
    python_version TEXT NOT NULL,
    stacks         TEXT NOT NULL,    -- 'on', or why there are none
    started_at     INTEGER NOT NULL,
    duration_ns    INTEGER NOT NULL,
    ending         TEXT NOT NULL,    -- 'exited', 'finalized' (exited after finalizing), 'killed' (it did not exit by itself), 'replaced' (by exec), 'stopped' (the recording was), 'running'
    cut_stacks     INTEGER NOT NULL, -- stacks without their oldest frames
    unknown_frees  INTEGER NOT NULL, -- frees of blocks from before the hook
    temporary_threshold INTEGER NOT NULL, -- a block is temporary if freed before this many further allocations of its thread
    sample_bytes   INTEGER NOT NULL  -- 0: every allocation was recorded; otherwise the mean bytes from one to the next, and all sizes and counts are estimates
);

-- The CPythons in a process, in the order in which they were found. Most have one.
CREATE TABLE runtime (
    process     INTEGER NOT NULL REFERENCES process,
    library     TEXT NOT NULL,    -- the file that it is in; empty for the executable
    version     TEXT NOT NULL,
    found       TEXT NOT NULL,    -- 'load' (when the tracer was loaded), 'dlsym', 'getenv', 'start' (the host asked for it)
    initialized INTEGER NOT NULL, -- 1: it was running already, and what it had allocated before is not known
    hooked_ns   INTEGER NOT NULL,
    stacks      TEXT NOT NULL     -- 'on', or why there are none
);

-- What was recorded of the C library's allocator and of mappings (option native). A process without a row: nothing.
CREATE TABLE native (
    process INTEGER PRIMARY KEY REFERENCES process,
    mode    TEXT NOT NULL,   -- 'malloc', or 'stacks' (with C stacks)
    reach   TEXT NOT NULL,   -- 'name': all calls by name; 'import': those of images whose imports could be redirected; 'none'
    past    TEXT NOT NULL    -- images whose allocations are missing, separated by newlines
);

-- A thread of the system that runs code of several interpreters of its process has a row for each of them.
CREATE TABLE thread (
    id          INTEGER PRIMARY KEY,
    process     INTEGER NOT NULL REFERENCES process,
    os_id       INTEGER NOT NULL,
    name        TEXT NOT NULL,
    started_ns  INTEGER NOT NULL,
    ended_ns    INTEGER,              -- NULL: it lived to the end
    interpreter INTEGER NOT NULL      -- CPython's number for it in the process: 0 is the main one, others are sub-interpreters
);

CREATE TABLE domain (
    id   INTEGER PRIMARY KEY,         -- 0 raw, 1 mem, 2 obj; others by order of appearance
    name TEXT NOT NULL UNIQUE         -- 'raw', 'mem', 'obj'; 'malloc', 'mmap' (option native); 'numpy', 'pandas', or the number given to PyTraceMalloc_Track
);

CREATE TABLE code (
    id         INTEGER PRIMARY KEY,
    filename   TEXT NOT NULL,
    name       TEXT NOT NULL,         -- co_name
    qualname   TEXT NOT NULL,         -- co_qualname; co_name before CPython 3.11
    first_line INTEGER NOT NULL,
    UNIQUE (filename, qualname, first_line, name)
);

-- The trie of stacks: a stack is its innermost frame and the stack of the caller. Stack 0 is "no Python frame".
-- A caller has a smaller id than the stacks that it called.
CREATE TABLE stack (
    id          INTEGER PRIMARY KEY,
    caller      INTEGER REFERENCES stack, -- NULL for 0 only; 0 when the frame is the outermost
    code        INTEGER REFERENCES code,  -- NULL for 0, and for "a stack that could not be kept"
    line        INTEGER NOT NULL,         -- 0: unknown
    depth       INTEGER NOT NULL          -- frames
);

-- A place that allocates: everything is counted for each of them.
CREATE TABLE site (
    id               INTEGER PRIMARY KEY,
    process          INTEGER NOT NULL REFERENCES process,
    thread           INTEGER NOT NULL REFERENCES thread,
    domain           INTEGER NOT NULL REFERENCES domain,
    stack            INTEGER NOT NULL REFERENCES stack,
    allocated_bytes  INTEGER NOT NULL,
    allocated_blocks INTEGER NOT NULL,
    freed_bytes      INTEGER NOT NULL,
    freed_blocks     INTEGER NOT NULL,
    temporary_bytes  INTEGER NOT NULL,
    temporary_blocks INTEGER NOT NULL,
    inherited_bytes  INTEGER NOT NULL, -- a forked child's: what was alive in its parent when it began. Alive = inherited + allocated - freed
    inherited_blocks INTEGER NOT NULL,
    expression       INTEGER NOT NULL  -- which one of the stack's innermost line, packed: see site_expression; 0: unknown, as before CPython 3.11
);

-- What was alive at a moment. 'peak' is the process's high-water mark, 'live' the beginning of finalization, or the end of the process
-- when it never finalized; 'named' those that the program or its user asked for.
CREATE TABLE snapshot (
    id      INTEGER PRIMARY KEY,
    process INTEGER NOT NULL REFERENCES process,
    kind    TEXT NOT NULL CHECK (kind IN ('peak', 'live', 'named')),
    name    TEXT NOT NULL,
    at_ns   INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    blocks  INTEGER NOT NULL
);

CREATE TABLE snapshot_site (
    snapshot INTEGER NOT NULL REFERENCES snapshot,
    site     INTEGER NOT NULL REFERENCES site,
    bytes    INTEGER NOT NULL,
    blocks   INTEGER NOT NULL,
    PRIMARY KEY (snapshot, site)
) WITHOUT ROWID;

-- Time in slices: how much was alive at a slice's end and at its highest, and what each site did within it.
CREATE TABLE slice (
    id              INTEGER PRIMARY KEY,
    process         INTEGER NOT NULL REFERENCES process,
    start_ns        INTEGER NOT NULL,
    end_ns          INTEGER NOT NULL,
    live_bytes      INTEGER NOT NULL,
    live_blocks     INTEGER NOT NULL,
    highest_bytes   INTEGER NOT NULL,
    resident_bytes  INTEGER             -- of the whole process, as the system reports it; NULL: not known
);

CREATE TABLE slice_site (
    slice            INTEGER NOT NULL REFERENCES slice,
    site             INTEGER NOT NULL REFERENCES site,
    allocated_bytes  INTEGER NOT NULL,
    allocated_blocks INTEGER NOT NULL,
    freed_bytes      INTEGER NOT NULL,
    freed_blocks     INTEGER NOT NULL,
    PRIMARY KEY (slice, site)
) WITHOUT ROWID;

-- Every call that the hooks saw, for audits: successful ones, by domain and operation. A realloc of a block counts as one 'realloc' with
-- the new size; 'free' counts the calls with a block, with the sizes of those that are known.
CREATE TABLE operation (
    process INTEGER NOT NULL REFERENCES process,
    domain  INTEGER NOT NULL REFERENCES domain,
    kind    TEXT NOT NULL CHECK (kind IN ('malloc', 'calloc', 'realloc', 'free')),
    calls   INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    PRIMARY KEY (process, domain, kind)
) WITHOUT ROWID;

-- Resident memory at a moment, with an owner for each byte: when finalization began ('live'), or at a named snapshot. No row: not recorded.
CREATE TABLE memory (
    id             INTEGER PRIMARY KEY,
    process        INTEGER NOT NULL REFERENCES process,
    kind           TEXT NOT NULL CHECK (kind IN ('live', 'named')),
    name           TEXT NOT NULL,
    at_ns          INTEGER NOT NULL,
    resident_bytes INTEGER NOT NULL, -- as the system counts them: the sum of the parts
    huge_bytes     INTEGER NOT NULL, -- of these, in transparent huge pages
    trim_bytes     INTEGER NOT NULL, -- of these, what glibc's malloc_trim(0) would have returned to the system
    missing        INTEGER NOT NULL  -- bits: 1 mappings, 2 pages, 4 room in the session, 8 time for heaps, 16 heaps
);

CREATE TABLE memory_part (
    memory         INTEGER NOT NULL REFERENCES memory,
    position       INTEGER NOT NULL,
    kind           TEXT NOT NULL,    -- docs/memory.md lists them
    name           TEXT NOT NULL,    -- a path, a domain; empty when the kind says it
    resident_bytes INTEGER NOT NULL,
    live_bytes     INTEGER NOT NULL, -- of these, in live blocks, as requested
    PRIMARY KEY (memory, position)
) WITHOUT ROWID;

-- What the live blocks of a site keep in memory, themselves included: sites that keep clearly more than themselves, at most 1,000.
CREATE TABLE memory_hold (
    memory     INTEGER NOT NULL REFERENCES memory,
    site       INTEGER NOT NULL REFERENCES site,
    bytes      INTEGER NOT NULL,
    live_bytes INTEGER NOT NULL,
    PRIMARY KEY (memory, site)
) WITHOUT ROWID;

-- The control group whose limit on memory was the lowest for the process. No row: there was no limit, or the system does not tell.
CREATE TABLE control_group (
    process       INTEGER PRIMARY KEY REFERENCES process,
    path          TEXT NOT NULL,
    limit_bytes   INTEGER NOT NULL,
    current_bytes INTEGER,          -- at the last look; NULL: not known
    peak_bytes    INTEGER,
    kills         INTEGER NOT NULL  -- processes that the kernel killed there, for want of memory, while this one was recorded
);

-- What is missing, and when. Nothing here: nothing is missing.
CREATE TABLE loss (
    process  INTEGER NOT NULL REFERENCES process,
    thread   INTEGER REFERENCES thread,
    reason   TEXT NOT NULL,            -- 'slabs full', 'stack not kept', 'no thread slot', 'session damaged', 'collected before'
    events   INTEGER NOT NULL,
    first_ns INTEGER,
    last_ns  INTEGER
);

-- A fatal signal, with the option crash: what the process was doing. No row: there was none. A process that continues after it caught it.
CREATE TABLE crash (
    process       INTEGER PRIMARY KEY REFERENCES process,
    signal        INTEGER NOT NULL,
    name          TEXT NOT NULL,    -- 'SIGSEGV' …
    code          INTEGER NOT NULL, -- si_code: above 0 the kernel's own; otherwise the signal was sent
    address       INTEGER,          -- si_addr; NULL when the signal was sent
    sender_pid    INTEGER,          -- who sent it; NULL when nobody did, or it is not known
    at_ns         INTEGER NOT NULL,
    os_id         INTEGER NOT NULL, -- of the thread that got it
    collecting    INTEGER NOT NULL, -- 1: during a garbage collection (from CPython 3.10 on)
    threads       INTEGER NOT NULL, -- in all; crash_thread has at most 128
    nested_signal INTEGER,          -- a fault while this was written down: what was being read then is missing
    complete      INTEGER NOT NULL  -- 0: the writing did not come to its end
);

CREATE TABLE crash_thread (
    id          INTEGER PRIMARY KEY,
    process     INTEGER NOT NULL REFERENCES process,
    os_id       INTEGER,          -- NULL: not known (to CPython 3.10)
    identifier  INTEGER NOT NULL, -- threading.get_ident()
    name        TEXT NOT NULL,
    interpreter INTEGER,          -- NULL: the thread has never run Python code
    crashed     INTEGER NOT NULL, -- 1: it got the signal
    depth       INTEGER NOT NULL, -- frames; crash_frame has the innermost 1024
    faulted     INTEGER NOT NULL  -- 1: its stack could only be read in part
);

CREATE TABLE crash_frame (
    thread   INTEGER NOT NULL REFERENCES crash_thread,
    position INTEGER NOT NULL, -- 0: the innermost
    filename TEXT NOT NULL,
    line     INTEGER NOT NULL, -- 0: none
    function TEXT NOT NULL,
    PRIMARY KEY (thread, position)
) WITHOUT ROWID;

-- The C stack of the thread that got the signal.
CREATE TABLE crash_c_frame (
    process  INTEGER NOT NULL REFERENCES process,
    position INTEGER NOT NULL, -- 0: the innermost, which failed or was interrupted
    path     TEXT NOT NULL,    -- of the executable or library, '[vdso]', or '': code that was made at run time, or no code
    offset   INTEGER NOT NULL, -- in that file; without a path: the address
    function TEXT NOT NULL,    -- '': not known
    is_cut   INTEGER NOT NULL, -- 1: there are older frames, of which no more was kept; 0 for all but the oldest
    python_frames INTEGER,     -- of a loop of the interpreter: frames of crash_frame that it runs, with all inside of them; 0: it is none; NULL: not recorded
    PRIMARY KEY (process, position)
) WITHOUT ROWID;

-- The last recorded calls of the thread that got the signal, by position: 0 is the last.
CREATE TABLE crash_allocation (
    process  INTEGER NOT NULL REFERENCES process,
    position INTEGER NOT NULL,
    kind     TEXT NOT NULL,     -- 'malloc', 'calloc', 'realloc', 'free'
    domain   INTEGER NOT NULL REFERENCES domain,
    bytes    INTEGER NOT NULL,  -- 0 for 'free'
    address  INTEGER NOT NULL,
    stack    INTEGER REFERENCES stack -- NULL for 'free'
);

-- The expressions that allocated: from first_column of the stack's innermost line to before end_column of end_line; columns are bytes of UTF-8.
CREATE VIEW site_expression AS
SELECT site.id AS site, (expression & 4095) - 1 AS first_column, line + (expression >> 24) AS end_line, (expression >> 12 & 4095) - 1 AS end_column
FROM site JOIN stack ON stack.id = site.stack WHERE expression <> 0;

-- Views for people: one row a site, with its innermost frame. Whole stacks: docs/schema.md.
CREATE VIEW site_frame AS
    SELECT site.*, process.pid, thread.name AS thread_name, thread.os_id AS thread_os_id, thread.interpreter, domain.name AS domain_name,
           code.filename, stack.line AS lineno, code.qualname AS function
    FROM site
    JOIN process ON process.id = site.process
    JOIN thread ON thread.id = site.thread
    JOIN domain ON domain.id = site.domain
    JOIN stack ON stack.id = site.stack
    LEFT JOIN code ON code.id = stack.code;

CREATE VIEW peak AS
    SELECT snapshot_site.bytes, snapshot_site.blocks, filename, lineno, function, domain_name AS domain, thread_name AS thread, pid, stack, site_frame.id AS site
    FROM snapshot_site JOIN snapshot ON snapshot.id = snapshot_site.snapshot JOIN site_frame ON site_frame.id = snapshot_site.site
    WHERE snapshot.kind = 'peak';

CREATE VIEW live AS
    SELECT snapshot_site.bytes, snapshot_site.blocks, filename, lineno, function, domain_name AS domain, thread_name AS thread, pid, stack, site_frame.id AS site
    FROM snapshot_site JOIN snapshot ON snapshot.id = snapshot_site.snapshot JOIN site_frame ON site_frame.id = snapshot_site.site
    WHERE snapshot.kind = 'live';

CREATE VIEW total AS
    SELECT allocated_bytes AS bytes, allocated_blocks AS blocks, filename, lineno, function, domain_name AS domain, thread_name AS thread, pid, stack, id AS site
    FROM site_frame;

CREATE VIEW temporary AS
    SELECT temporary_bytes AS bytes, temporary_blocks AS blocks, filename, lineno, function, domain_name AS domain, thread_name AS thread, pid, stack, id AS site
    FROM site_frame WHERE temporary_blocks > 0;
