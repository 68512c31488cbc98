"""Searches, splits and substitutes by regular expressions."""
import re

LOG = "\n".join(f"2026-11-{i % 28 + 1:02} 10:{i % 60:02}:00 host{i % 7} app[{i}]: GET /item/{i}?q={i * 3} 200 {i * 17}" for i in range(500))
LINE = re.compile(r"(\S+) (\S+) (\w+) (\w+)\[(\d+)\]: (\w+) (\S+) (\d+) (\d+)")

for _ in range(380):
    found = [match.groups() for match in LINE.finditer(LOG)]
    words = re.split(r"[\s/?=]+", LOG)
    changed = re.sub(r"\d+", lambda match: match.group().zfill(5), LOG)
