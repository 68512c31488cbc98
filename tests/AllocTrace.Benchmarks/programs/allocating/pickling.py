"""Pickles and unpickles a mixed structure."""
import pickle
from datetime import date


class Record:
    def __init__(self, number):
        self.number = number
        self.day = date(2026, 1, 1 + number % 28)
        self.tags = [f"tag {number % 10}", number / 3]


RECORDS = [Record(i) for i in range(2000)]

for _ in range(300):
    assert len(pickle.loads(pickle.dumps(RECORDS))) == len(RECORDS)
