"""Splits, joins, formats and replaces text."""
WORDS = ("the quick brown fox jumps over the lazy dog " * 40).split()


def line(number):
    return " ".join(word.upper() if i % 3 else word + str(number) for i, word in enumerate(WORDS))


total = 0
for number in range(30000):
    total += len(line(number).replace("QUICK", "slow").split("o"))
