"""Parses and writes JSON: mostly small objects that live for a moment."""
import json

DOCUMENT = json.dumps([{"id": i, "name": f"user {i}", "tags": ["a", "b", str(i)], "score": i / 7} for i in range(200)])

for _ in range(3800):
    json.dumps(json.loads(DOCUMENT))
