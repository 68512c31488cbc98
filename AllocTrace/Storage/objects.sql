-- Types and holders of live blocks: these tables are there when a snapshot was taken with them. docs/schema.md has queries.

CREATE TABLE object_snapshot (
    snapshot INTEGER PRIMARY KEY REFERENCES snapshot,
    method   TEXT NOT NULL,    -- 'copy' (of the process), 'held' (its memory was read while its threads were held), or 'none': the note says why
    pause_ns INTEGER NOT NULL, -- how long the process was held up
    note     TEXT NOT NULL     -- what to know about the figures; empty when there is nothing
);

-- What the live blocks of a site are. The sums over a site are those of snapshot_site.
CREATE TABLE object_type (
    snapshot INTEGER NOT NULL REFERENCES snapshot,
    site     INTEGER NOT NULL REFERENCES site,
    type     TEXT NOT NULL,    -- module and qualified name; of a buffer: its owner's; empty when not known
    kind     TEXT NOT NULL,    -- 'object', or what a buffer is to its owner; empty when not known
    blocks   INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    retained INTEGER,          -- bytes that would be freed with them; NULL when not known
    PRIMARY KEY (snapshot, site, type, kind)
) WITHOUT ROWID;

-- What would be freed with all blocks of a site: less than the sum of its types, whose blocks hold each other. No rows: not known.
CREATE TABLE object_site (
    snapshot INTEGER NOT NULL REFERENCES snapshot,
    site     INTEGER NOT NULL REFERENCES site,
    retained INTEGER NOT NULL, -- bytes
    PRIMARY KEY (snapshot, site)
) WITHOUT ROWID;

-- The shortest paths from roots to the objects of a site and a type; those that differ in keys and indices only are one.
CREATE TABLE holder (
    snapshot     INTEGER NOT NULL REFERENCES snapshot,
    site         INTEGER NOT NULL REFERENCES site,
    type         TEXT NOT NULL,
    path         TEXT NOT NULL,
    private_path TEXT NOT NULL,    -- without keys and strings of the program
    blocks       INTEGER NOT NULL, -- that are held by this path
    of_blocks    INTEGER NOT NULL, -- all of the site and the type
    bytes        INTEGER NOT NULL,
    retained     INTEGER           -- NULL when not known
);

-- Objects that no root reaches: they wait for the cyclic garbage collector.
CREATE TABLE garbage (
    snapshot INTEGER NOT NULL REFERENCES snapshot,
    site     INTEGER NOT NULL REFERENCES site,
    type     TEXT NOT NULL,
    blocks   INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    PRIMARY KEY (snapshot, site, type)
) WITHOUT ROWID;

-- The graph of the objects, for the exports that need all of it.
CREATE TABLE object_graph (
    snapshot INTEGER NOT NULL REFERENCES snapshot,
    position INTEGER NOT NULL, -- from 0
    content  BLOB NOT NULL,    -- a part of a .heapsnapshot file that was compressed by gzip
    PRIMARY KEY (snapshot, position)
);
