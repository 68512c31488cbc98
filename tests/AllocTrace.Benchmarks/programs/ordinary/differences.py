"""Texts are compared line by line and character by character."""
import difflib

BEFORE = [f"line {i}: {i * 7919 % 1000}\n" for i in range(600)]
AFTER = [line.replace("9", "nine") if i % 5 == 0 else line for i, line in enumerate(BEFORE) if i % 11]

for _ in range(330):
    list(difflib.unified_diff(BEFORE, AFTER))
    list(difflib.ndiff(BEFORE[:150], AFTER[:150]))
