"""usage: check.py FILE.db BLOCKS [PROCESSES]: the workload of work.py is in the recording, exactly, with its stacks."""
import sqlite3
import sys

database, blocks, processes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1
connection = sqlite3.connect("file:%s?mode=ro" % database, uri=True)


def rows(sql):
    return connection.execute(sql).fetchall()


found = rows(
    """SELECT pid, sum(allocated_blocks), sum(allocated_bytes) FROM site_frame
       WHERE function = 'keep' AND lineno = 7 AND domain_name = 'obj' GROUP BY pid"""
)
problems = []
if (sum(row[1] for row in found), sum(row[2] for row in found)) != (blocks, blocks * 5033):
    problems.append("expected %d blocks of 5033 bytes, found %s" % (blocks, found))
if len(found) != processes:
    problems.append("expected %d processes that run the workload, found %s" % (processes, found))
for library, version, initialized, stacks in rows("SELECT library, version, initialized, stacks FROM runtime"):
    if initialized or stacks != "on":
        problems.append("%s %s: initialized %s, stacks %s" % (library, version, initialized, stacks))
for loss in rows("SELECT reason, events FROM loss"):
    problems.append("missing: %s %s" % loss)
for pid, unknown in rows("SELECT pid, unknown_frees FROM process WHERE unknown_frees > 0"):
    problems.append("process %s: %s unknown frees" % (pid, unknown))
print("\n".join(problems) or "%s: %s" % (database, found))
sys.exit(bool(problems))
