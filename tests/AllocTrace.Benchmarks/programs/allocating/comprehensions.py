"""Lists, sets and dictionaries by comprehension."""
for i in range(10000):
    squares = [n * n + 1000 for n in range(1000)]
    even = {n for n in squares if n % 2 == 0}
    table = {n: str(n) for n in range(500)}
