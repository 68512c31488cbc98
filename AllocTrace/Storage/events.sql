-- The event log: these tables are there when a process was recorded with the option events. docs/schema.md says what a block is.

CREATE TABLE event_log (
    process     INTEGER PRIMARY KEY REFERENCES process,
    events      INTEGER NOT NULL, -- calls that are in the log
    left_out    INTEGER NOT NULL, -- calls after them that are not: it had reached the largest size
    left_out_ns INTEGER           -- since when; NULL: nothing was left out
);

-- In the order in which they happened.
CREATE TABLE event_block (
    process  INTEGER NOT NULL REFERENCES process,
    position INTEGER NOT NULL, -- from 0
    events   INTEGER NOT NULL,
    first_ns INTEGER NOT NULL,
    last_ns  INTEGER NOT NULL,
    content  BLOB NOT NULL,
    PRIMARY KEY (process, position)
);

-- What the numbers in a process's blocks stand for.
CREATE TABLE event_thread (
    process INTEGER NOT NULL REFERENCES process,
    number  INTEGER NOT NULL,
    thread  INTEGER NOT NULL REFERENCES thread, -- its first row, if it ran code of several interpreters
    PRIMARY KEY (process, number)
) WITHOUT ROWID;

CREATE TABLE event_domain (
    process INTEGER NOT NULL REFERENCES process,
    number  INTEGER NOT NULL,
    domain  INTEGER NOT NULL REFERENCES domain,
    PRIMARY KEY (process, number)
) WITHOUT ROWID;

CREATE TABLE event_stack (
    process     INTEGER NOT NULL REFERENCES process,
    number      INTEGER NOT NULL,
    stack       INTEGER NOT NULL REFERENCES stack,
    interpreter INTEGER NOT NULL, -- as in thread
    expression  INTEGER NOT NULL, -- as in site
    PRIMARY KEY (process, number)
) WITHOUT ROWID;
