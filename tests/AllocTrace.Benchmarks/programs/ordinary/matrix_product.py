"""Products of matrices that are lists of lists."""


def product(one, other):
    columns = list(zip(*other))
    return [[sum(a * b for a, b in zip(row, column)) for column in columns] for row in one]


SIZE = 100
matrix = [[(i * 31 + j * 17) % 7 for j in range(SIZE)] for i in range(SIZE)]
for _ in range(28):
    product(matrix, matrix)
