"""Counts, groups and merges in dictionaries."""
from collections import defaultdict

for _ in range(110):
    groups = defaultdict(list)
    for i in range(20000):
        groups[f"key {i % 997}"].append((i, i * 2))
    merged = {key: dict(values) for key, values in groups.items()}
    {**merged, "one more": None}
