"""usage: check.py FILE.db NATIVE BLOCKS [PROCESSES]: the workload of work.py is in the recording, exactly, with its stacks."""
import sqlite3
import sys

database, native, blocks, processes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1
connection = sqlite3.connect("file:%s?mode=ro" % database, uri=True)


def rows(sql):
    return connection.execute(sql).fetchall()


def blocks_of_keep():
    """Blocks and bytes of the workload's line, by process. Frames of C code, which have no line, are inside of it."""
    stacks = {stack: (parent, line) for stack, parent, line in rows("SELECT id, caller, line FROM stack")}
    keep = {row[0] for row in rows("SELECT stack.id FROM stack JOIN code ON code.id = stack.code WHERE code.qualname = 'keep' AND stack.line = 7")}
    sums = {}
    for pid, stack, count, size in rows("SELECT pid, stack, allocated_blocks, allocated_bytes FROM site_frame WHERE domain_name = 'obj'"):
        while native == "stacks" and stack in stacks and stacks[stack][1] == 0:
            stack = stacks[stack][0]
        if stack in keep:
            sums[pid] = (sums.get(pid, (0, 0))[0] + count, sums.get(pid, (0, 0))[1] + size)
    return [(pid, *both) for pid, both in sorted(sums.items())]


found = blocks_of_keep()
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
if native == "off":  # else blocks from before the first call of PyMem_* are among them (docs/native.md)
    for pid, unknown in rows("SELECT pid, unknown_frees FROM process WHERE unknown_frees > 0"):
        problems.append("process %s: %s unknown frees" % (pid, unknown))
elif not rows("SELECT 1 FROM site_frame WHERE domain_name = 'malloc' LIMIT 1"):
    problems.append("nothing of domain malloc")
if native == "stacks":
    for cut, unplaced in rows("SELECT cut, unplaced FROM native_stacks WHERE cut OR unplaced"):
        problems.append("C stacks: %s cut, %s not placed" % (cut, unplaced))
print("\n".join(problems) or "%s: %s" % (database, found))
sys.exit(bool(problems))
