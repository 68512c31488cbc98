"""What every host is made to run: line 7 allocates blocks of 5,033 bytes, and nothing else."""


def keep(n, size):
    result = [None] * n
    for i in range(n):
        result[i] = b"x" * size
    return result
