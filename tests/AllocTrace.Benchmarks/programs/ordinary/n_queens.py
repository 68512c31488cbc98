"""All ways to place ten queens: recursion and small sets."""


def place(row, columns, rising, falling, size):
    if row == size:
        return 1
    ways = 0
    for column in range(size):
        if column in columns or row + column in rising or row - column in falling:
            continue
        columns.add(column)
        rising.add(row + column)
        falling.add(row - column)
        ways += place(row + 1, columns, rising, falling, size)
        columns.remove(column)
        rising.remove(row + column)
        falling.remove(row - column)
    return ways


for _ in range(55):
    assert place(0, set(), set(), set(), 10) == 724
