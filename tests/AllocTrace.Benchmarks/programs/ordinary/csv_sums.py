"""A table is read and summed up by key."""
import collections
import csv
import io

TABLE = "day,town,amount\n" + "".join(f"2026-01-{i % 28 + 1:02},town {i % 97},{i * 13 % 1000}.50\n" for i in range(20000))

for _ in range(55):
    sums = collections.defaultdict(float)
    for row in csv.DictReader(io.StringIO(TABLE)):
        sums[row["town"]] += float(row["amount"])
    assert len(sums) == 97
