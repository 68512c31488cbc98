"""Dictionaries and strings, made and thrown away; large ones by realloc."""
import json
document = {"key %d" % i: {"values": list(range(i % 40)), "text": "x" * (i * 7), "number": i * 1.5, "none": None} for i in range(400)}
for _ in range(4):
    text = json.dumps(document, indent=1)
    assert json.loads(text) == document
grown = bytearray()
for i in range(200000):
    grown.append(i % 256)
