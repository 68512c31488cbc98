"""usage: pools.py fork|spawn|forkserver"""
import multiprocessing
import sys


def square(i):
    return sum(len(bytes(i)) for _ in range(10)) * i


if __name__ == "__main__":
    kept = [bytes(10_000) for _ in range(100)]
    with multiprocessing.get_context(sys.argv[1]).Pool(3) as pool:
        assert pool.map(square, range(300)) == [10 * i * i for i in range(300)]
        pool.close()
        pool.join()
